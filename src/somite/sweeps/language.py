"""Language models of a sweep: whole studies, with the interactions at the last checkpoint."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from somite.components import components
from somite.core.errors import InputError
from somite.core.random import stream
from somite.estimators.joint import total
from somite.models import Transformer, next_token_loss
from somite.modularity import specialization
from somite.sampling import Target, sample
from somite.sampling.draws import REFERENCE
from somite.study.compression import text
from somite.study.modules import study_modules
from somite.study.recipe import Recipe, load_recipe
from somite.study.results import Results, load_results
from somite.study.run import run_study, train_study
from somite.sweeps.design import Settings
from somite.sweeps.spoiled import spoiled

Row = dict[str, Any]
SCORES = {"previous_token": "max", "induction": "max", "in_context_score": "mean"}
"""Behaviour: the largest of all heads, or that of the model."""

HEADS = "heads"
PREFIX = {"redundant": "", "cooperating": "cooperating_"}
"""Columns of the two kinds of modules, see docs/modules.md."""


class Language:
    """Studies from a recipe; keys are those of recipes, such as model.n_heads."""

    def check(self, recipe: str, settings: Settings) -> None:
        """Refuse settings that no recipe has."""
        _recipe(recipe, settings, 0)

    def seconds(self, recipe: str, settings: Settings) -> float:
        """Training steps and chain steps times the seconds of each, on random tokens."""
        chosen = _recipe(recipe, settings, 0)
        model = Transformer(chosen.model.transformer(chosen.data.vocab_size, chosen.data.context))
        tokens = torch.randint(chosen.data.vocab_size, (256, chosen.data.context),
                               generator=stream("cost of a model"))  # fmt: skip
        steps = _chain_steps(chosen, len(components(model, HEADS)), len(chosen.data.domains) + 1)
        trained = chosen.training.steps * _training_step(model, tokens, chosen.training.batch_size)
        return trained + steps * _chain_step(model, tokens, chosen)

    def measure(
        self, recipe: str, settings: Settings, seed: int, folder: Path, tolerance: float = 0.0
    ) -> list[Row]:
        """Train, sample and measure: one row for each checkpoint.

        Rows have step, loss (mean over domains, nats per token), loss of each domain, train_loss,
        total_llc (sum over heads, with its joint error), mean_llc, usable (share of heads whose
        estimate is), behaviour scores; the last row also what `_at_the_end` says, and
        `spoiled` if there is a tolerance.

        Raises:
            InputError: If a domain cannot be had: all models of a sweep need the same text.
        """
        chosen = _recipe(recipe, settings, seed)
        context = train_study(chosen, folder)
        for name, reason in context.corpus.left_out.items():
            remedy = "All models of a sweep need the same text."
            raise InputError(f"domain {name}", "must be there", reason, remedy)
        run_study(chosen, folder)
        study_modules(context, [chosen.steps[-1]], workers=1)
        results = load_results(folder)
        rows = [_row(results, step) for step in chosen.steps]
        rows[-1] |= _at_the_end(results, chosen.steps[-1])
        model = context.model(chosen.steps[-1])
        rows[-1] |= spoiled(model, next_token_loss, text(context), tolerance)
        return rows


def _recipe(name: str, settings: Settings, seed: int) -> Recipe:
    """The recipe of one model.

    Raises:
        InputError: If no recipe is named, or it cannot be.
    """
    if not name:
        raise InputError("recipe", "must be named for language models", name, "Name one.")
    return load_recipe(name, {k: json.dumps(v) for k, v in {"seed": seed, **settings}.items()})


def _training_step(model: Transformer, tokens: Tensor, rows: int, repeats: int = 3) -> float:
    """Seconds of a forward and backward pass; the first is not counted."""
    spent = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        next_token_loss(model, tokens[torch.arange(rows) % len(tokens)]).mean().backward()
        spent.append(time.perf_counter() - start)
    model.zero_grad()
    return sum(spent[1:]) / repeats


def _chain_step(model: Transformer, tokens: Tensor, recipe: Recipe, draws: int = 16) -> float:
    """Seconds of a chain step of a head, from a run and one of twice its length."""
    settings, spent = recipe.sampling, []
    target = Target(next_token_loss, tokens, settings.n_beta, settings.localization)
    heads = components(model, HEADS)
    for number in (draws, draws, 2 * draws):  # the first warms up
        start = time.perf_counter()
        sample(model, target, settings.sampler(), components=heads, chains=1, burn_in=0,
               draws=number, batch_size=settings.batch_size, probe_every=settings.probe_every,
               probes={REFERENCE: tokens[: settings.probe_rows]})  # fmt: skip
        spent.append(time.perf_counter() - start)
    return max(spent[2] - spent[1], 0.0) / (draws * len(heads))


def _chain_steps(recipe: Recipe, heads: int, domains: int) -> int:
    """Chain steps of heads at all checkpoints, on domains, and of pairs at the last one."""
    whole, short = recipe.sampling, recipe.refined
    curves = len(recipe.steps) * heads * (whole.burn_in + whole.draws)
    refined = short.most_steps * domains * heads * (short.burn_in + short.draws)
    pairs = heads * (heads + 1) // 2 * (whole.burn_in + recipe.modules.draws)
    return whole.chains * (curves + refined + pairs)


def _row(results: Results, step: int) -> Row:
    losses, estimates = results.training.sel(step=step), results.llc.sel(step=step)
    found = {f"loss_{name}": float(losses.loss.sel(domain=name)) for name in losses.domain.values}
    whole, error = total(results.draws(step))
    row = {"step": step, "loss": float(losses.loss.mean()), **found}
    row |= {"train_loss": float(losses.train_loss), "total_llc": whole, "total_llc_mcse": error}
    row |= {"mean_llc": float(estimates.llc.mean())}
    row |= {"usable": float((estimates.verdict != "don't use").mean())}
    for name, how in SCORES.items():
        if name in results.behavior:
            row[name] = float(getattr(results.behavior[name].sel(step=step), how)())
    return row


def _at_the_end(results: Results, step: int) -> Row:
    """Modules, couplings, specialisation and stages."""
    row: Row = {"stages": int(results.stages.attrs["n_boundaries"]) + 1}
    if HEADS in results.modules:
        found = results.modules[HEADS].by_step[step]
        pairs = found.interaction.values[np.triu_indices(found.sizes["component"], 1)]
        row |= {"mean_interaction": float(np.nanmean(pairs))}
        row |= {"mean_coupling": float(np.nanmean(np.abs(pairs)))}
        for relation, prefix in PREFIX.items():
            one = found.sel(relation=relation)
            row |= {f"{prefix}modules": int(one.label.max()) + 1}
            row |= {f"{prefix}modularity": float(one.modularity)}
            row |= {f"{prefix}modular_z": float(one.modularity_z)}
            row |= {f"{prefix}modular_p": float(one.p_value)}
    if results.refined is not None:
        scores = specialization(results.refined.llc.sel(step=step).transpose("component", "domain"))
        row |= {"selectivity": float(scores.selectivity.mean())}
    return row
