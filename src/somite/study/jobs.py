"""Jobs: the work behind each cell, one function per kind, runnable in any process."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from somite.behavior import (
    ablation,
    attention_scores,
    chance_level,
    composition,
    in_context_score,
    ngram_reliance,
    ngram_scores,
)
from somite.components import components
from somite.components.mask import Mask
from somite.components.select import several
from somite.components.unions import pairs
from somite.core.fingerprint import code_fingerprint, fingerprint
from somite.data.config import MIXTURE, REPEATS
from somite.models.losses import next_token_loss
from somite.sampling import Target, sample
from somite.sampling.draws import REFERENCE
from somite.sampling.stacking import stacks
from somite.study.cells import Cell
from somite.study.context import Context

Progress = Callable[[int, int], None]
SAMPLING_ROWS = ("core", "components", "theory", "models", "sampling", "study")
BEHAVIOR_ROWS = ("core", "models", "behavior", "data", "study")
TOGETHER = 17
"""Components and unions of one job of interactions: 8 jobs for the pairs of 16 heads."""
THREADS = 1
"""Threads of a job; part of its identity, since the order of sums depends on it."""


@dataclass(frozen=True)
class Job:
    """A cell and what to do for it.

    Args:
        cell: Where the result goes.
        step: Checkpoint.
        domain: Data set; the mixture by default.
        cost: Expected work, in chain steps.
        do: Does it and stores it, for a cell that does not fit into memory; None for `compute`.
    """

    cell: Cell
    step: int
    domain: str = MIXTURE
    cost: int = 1
    do: Callable[["Job", Context, Progress], None] | None = None


def place(step: int, domain: str = MIXTURE) -> str:
    """Name of a cell's place in the study."""
    return f"step-{step:08d}" + ("" if domain == MIXTURE else f"-{domain}")


def made_with(*rows: str) -> dict[str, str]:
    """Code and library that a cell was made with, as far as they can change its numbers."""
    return {"code": code_fingerprint(*rows), "torch": torch.__version__}


def sampling_job(context: Context, step: int, domain: str = MIXTURE) -> Job:
    """Job that samples all components at one checkpoint on one data set."""
    settings = sampling_settings(context, domain)
    masks = components(context.new_model(), settings["components"])
    identity = sampled_identity(context, step, domain, masks, settings)
    kind = "sampling" if domain == MIXTURE else "refined"
    cell = Cell(kind, place(step, domain), identity)
    return Job(cell, step, domain, chain_steps(settings, len(masks)))


def interaction_jobs(context: Context, step: int) -> list[Job]:
    """Jobs that sample all components and the unions of their pairs at one checkpoint.

    They share minibatches and noise as if they were one (`somite.estimators.interaction`).
    """
    settings = interaction_settings(context)
    masks = pairs(components(context.new_model(), settings["components"]))
    names = list(masks)
    jobs = []
    for start in range(0, len(names), TOGETHER):
        part = {name: masks[name] for name in names[start : start + TOGETHER]}
        identity = sampled_identity(context, step, MIXTURE, part, settings)
        identity |= {"components": list(part)}
        cell = Cell("interactions", f"{place(step)}-from-{start:04d}", identity)
        jobs.append(Job(cell, step, cost=chain_steps(settings, len(part))))
    return jobs


def sampled_identity(
    context: Context,
    step: int,
    domain: str,
    masks: Mapping[str, Mask],
    settings: dict[str, Any],
) -> dict[str, Any]:
    """Everything that makes the draws of some components."""
    rows, kernel = sampling_rows(context, settings, domain), context.recipe.sampling.sampler()
    return {
        "step": step,
        "weights": fingerprint(context.series.weights(step)),
        "data": fingerprint(rows),
        "masks": fingerprint({name: dict(mask.entries) for name, mask in masks.items()}),
        "loss": "next_token_loss",
        "kernel": repr(kernel),
        "settings": settings,
        "device": context.device,
        "stacked": stacks(None, context.device, kernel),
        "threads": THREADS,
        **made_with(*SAMPLING_ROWS),
    }


def chain_steps(settings: Mapping[str, Any], number: int) -> int:
    """Steps of all chains of so many components."""
    steps: int = number * settings["chains"] * (settings["burn_in"] + settings["draws"])
    return steps


def behavior_job(context: Context, step: int) -> Job:
    """Job that measures what the heads do at one checkpoint."""
    identity = _measured_identity(context, step, "rows")
    return Job(Cell("behavior", place(step), identity), step, cost=400)


def ablation_job(context: Context, step: int) -> Job:
    """Job that ablates every head on every domain at one checkpoint."""
    identity = _measured_identity(context, step, "ablation_rows")
    return Job(Cell("ablation", place(step), identity), step, cost=800)


def _measured_identity(context: Context, step: int, rows: str) -> dict[str, Any]:
    """Identity of a measurement that depends on one setting of the number of rows."""
    settings = context.recipe.behavior
    return {
        "step": step,
        "weights": fingerprint(context.series.weights(step)),
        "corpus": context.corpus.fingerprint,
        "settings": {rows: getattr(settings, rows), "seed": settings.seed},
        "device": context.device,
        "threads": THREADS,
        **made_with(*BEHAVIOR_ROWS),
    }


def sampling_settings(context: Context, domain: str) -> dict[str, Any]:
    """Sampler settings of a data set: those of the recipe, with shorter chains on one domain."""
    settings, refined = asdict(context.recipe.sampling), context.recipe.refined
    if domain == MIXTURE:
        return settings
    return settings | {name: getattr(refined, name) for name in ("rows", "burn_in", "draws")}


def interaction_settings(context: Context) -> dict[str, Any]:
    """Sampler settings of interactions: those of the recipe, draws and components their own."""
    settings, own = sampling_settings(context, MIXTURE), context.recipe.modules
    chosen = ",".join(several(own.components or settings["components"]))
    return settings | {"draws": own.draws, "components": chosen}


def sampling_rows(context: Context, settings: dict[str, Any], domain: str) -> Tensor:
    """Rows whose loss is sampled; the first of them are the reference probe."""
    return context.rows(domain, settings["rows"], "train", settings["seed"])


def execute(job: Job, context: Context, progress: Progress) -> None:
    """Do a job and store its cell."""
    if job.do is not None:
        job.do(job, context, progress)
        return
    job.cell.write(context.run, compute(job, context, progress))


def compute(job: Job, context: Context, progress: Progress) -> xr.Dataset:
    """Do a job: what belongs into its cell."""
    work = {
        **dict.fromkeys(("sampling", "refined", "interactions"), _sample),
        "behavior": _behavior,
        "ablation": _ablate,
    }
    return work[job.cell.kind](job, context, progress)


def _sample(job: Job, context: Context, progress: Progress) -> xr.Dataset:
    settings = job.cell.identity["settings"]
    rows = sampling_rows(context, settings, job.domain).to(context.device)
    target = Target(next_token_loss, rows, settings["n_beta"], settings["localization"])
    chain = ("batch_size", "chains", "burn_in", "draws", "probe_every", "seed")
    model, chosen = context.model(job.step), settings["components"]
    if job.cell.kind == "interactions":
        unions = pairs(components(model, chosen))
        chosen = {name: unions[name] for name in job.cell.identity["components"]}
    return sample(
        model,
        target,
        context.recipe.sampling.sampler(),
        components=chosen,
        probes={REFERENCE: rows[: settings["probe_rows"]]},
        progress=progress,
        checkpoint=job.step,
        stacked=job.cell.identity["stacked"],
        **{name: settings[name] for name in chain},
    )


def natural_rows(context: Context, n: int) -> Tensor:
    """Validation rows of natural text, no repeats, in equal parts of the domains."""
    corpus, seed = context.corpus, context.recipe.behavior.seed
    share = -(-n // len(corpus.natural))
    parts = [context.rows(name, share, "validation", seed) for name in corpus.natural]
    fewest = min(len(part) for part in parts)
    return torch.stack([part[:fewest] for part in parts], dim=1).flatten(0, 1)[:n]


def _behavior(job: Job, context: Context, progress: Progress) -> xr.Dataset:
    settings = context.recipe.behavior
    model = context.model(job.step)
    rows = natural_rows(context, settings.rows).to(context.device)
    period = induction_period(context)
    scores = attention_scores(model, rows, settings.seed, period)
    context_score = in_context_score(model, rows).rename(
        standard_error="in_context_score_standard_error"
    )
    ngrams = ngram_scores(model, rows, context.ngrams)
    reliance = ngram_reliance(model, rows, context.ngrams)
    parts = [scores, context_score, ngrams, reliance, composition(model)]
    measured = xr.merge(parts, combine_attrs="drop")
    for name, level in chance_level(model, rows, settings.seed, period).data_vars.items():
        measured[name].attrs["chance"] = float(level)
    return measured


def _ablate(job: Job, context: Context, progress: Progress) -> xr.Dataset:
    settings, corpus = context.recipe.behavior, context.corpus
    rows = {
        name: context.rows(name, settings.ablation_rows, "validation", settings.seed).to(
            context.device
        )
        for name in corpus.tokens
    }
    return ablation(context.model(job.step), rows, settings.seed)


def induction_period(context: Context) -> int | None:
    """Period of the strings on which induction is scored: the middle of those trained on."""
    data = context.corpus.config
    if REPEATS not in context.corpus.tokens:
        return None
    return (data.repeats_min_period + data.repeats_max_period) // 2
