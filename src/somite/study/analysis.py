"""What is computed from stored draws and scores: estimates, stages, groups, attention to show."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
import xarray as xr

from somite.behavior import SCORES, attention_examples
from somite.core.errors import InputError
from somite.core.fingerprint import code_fingerprint
from somite.data.config import MIXTURE
from somite.development import find_stages, most_boundaries
from somite.estimators import llc
from somite.models.transformer import head_names
from somite.modularity import group_heads
from somite.sampling.status import CONVERGED
from somite.study.cells import Cell
from somite.study.context import Context
from somite.study.jobs import Job

ANALYSIS_ROWS = ("core", "estimators", "modularity", "development", "study")


@dataclass(frozen=True)
class Planned:
    """A cell and how to make it.

    Args:
        cell: Where it goes.
        make: Computes it.
    """

    cell: Cell
    make: Callable[[], xr.Dataset]


def estimates_cell(context: Context, jobs: Sequence[Job]) -> Planned:
    """Estimates of all draws of one kind, each with its error and its verdict."""
    kind = "refined_estimates" if jobs[0].cell.kind == "refined" else "estimates"
    identity = {
        "draws": [job.cell.key for job in jobs],
        "code": code_fingerprint(*ANALYSIS_ROWS),
    }

    def make() -> xr.Dataset:
        tables: dict[int, dict[str, xr.Dataset]] = {}
        for job in jobs:
            table = llc(job.cell.read(context.run), on_failure="leave out")
            tables.setdefault(job.step, {})[job.domain] = table
        if kind == "estimates":
            return join_steps({step: parts[MIXTURE] for step, parts in tables.items()})
        return join_steps({step: _join_domains(parts) for step, parts in tables.items()})

    return Planned(Cell(kind, "all", identity), make)


def stages_cell(context: Context, sampling: Sequence[Job]) -> Planned:
    """Stage boundaries from the rLLC curves of all components."""
    settings = context.recipe.stages
    identity = {
        "sampling": [job.cell.key for job in sampling],
        "settings": asdict(settings),
        "code": code_fingerprint(*ANALYSIS_ROWS),
    }

    def make() -> xr.Dataset:
        draws = stored_draws(context, sampling)
        most = min(settings.max_boundaries, most_boundaries(len(sampling)))
        values, errors = lambda_series(draws), _errors(context, sampling, draws)
        return find_stages(values, errors, settings.seed, most, settings.bootstraps)

    return Planned(Cell("stages", "all", identity), make)


def groups_cell(
    context: Context, sampling: Sequence[Job], refined: Sequence[Job], behavior: Sequence[Job]
) -> Planned:
    """Groups of components by curves, behaviour (of heads) and data-refined profiles."""
    settings = context.recipe.groups
    identity = {
        "sampling": [job.cell.key for job in sampling],
        "refined": [job.cell.key for job in refined],
        "behavior": behavior[-1].cell.key,
        "settings": asdict(settings),
        "code": code_fingerprint(*ANALYSIS_ROWS),
    }

    def group(profiles: xr.DataArray | None) -> xr.Dataset:
        draws = stored_draws(context, sampling)
        scores = _scores(behavior[-1].cell.read(context.run), draws)
        return group_heads(
            lambda_series(draws),
            _errors(context, sampling, draws),
            settings.seed,
            behavior=scores,
            refined=None if profiles is None else profiles.sel(component=draws.component),
            largest=settings.max_groups,
            bootstraps=settings.bootstraps,
        )

    def make() -> xr.Dataset:
        try:
            return group(_refined_series(context, refined))
        except InputError as error:
            # Estimates on single domains may be all noise; that must not cost the other views.
            return group(None).assign_attrs(refined_left_out=str(error))

    return Planned(Cell("groups", "all", identity), make)


def _scores(behavior: xr.Dataset, draws: xr.Dataset) -> xr.DataArray | None:
    """What the sampled heads do (score, component); None if not all components are heads."""
    if not set(draws.component.values) <= set(behavior.component.values):
        return None
    own = behavior.sel(component=draws.component)
    return xr.concat([own[name] for name in SCORES], "score").drop_attrs()


def attention_cell(context: Context, behavior: Job) -> Planned:
    """Attention of the most telling heads on real rows of each domain."""
    identity = {
        **behavior.cell.identity,
        "examples": context.recipe.behavior.examples,
        "attention": code_fingerprint("behavior", "study"),
    }

    def make() -> xr.Dataset:
        settings, corpus = context.recipe.behavior, context.corpus
        names = list(corpus.tokens)
        rows = [context.rows(n, settings.examples, "validation", settings.seed) for n in names]
        domains = [name for name, part in zip(names, rows, strict=True) for _ in part]
        heads = telling_heads(
            behavior.cell.read(context.run), list(head_names(context.new_model().config))
        )
        model = context.model(behavior.step).to("cpu")
        text = corpus.tokenizer.token_text
        return attention_examples(model, torch.cat(rows), domains, text, heads)

    return Planned(Cell("attention", behavior.cell.place, identity), make)


def telling_heads(behavior: xr.Dataset, names: list[str]) -> list[str]:
    """For each behaviour score the head that is highest, each head once, in the model's order."""
    best = {str(behavior[score].idxmax("component").item()) for score in SCORES}
    return [name for name in names if name in best]


def refined_steps(context: Context, stages: xr.Dataset, steps: Sequence[int]) -> list[int]:
    """Checkpoints for data-refined estimates: the last, and those nearest to stage boundaries.

    Nearest on the log-step axis; the best supported boundaries come first if there are more than
    the recipe allows.
    """
    axis = np.log1p(np.asarray(steps, dtype=float))
    order = np.argsort(-stages.support.values, kind="stable")
    nearest = [
        steps[int(np.abs(axis - np.log1p(p)).argmin())] for p in stages.position.values[order]
    ]
    chosen = list(dict.fromkeys([steps[-1], *nearest]))
    return sorted(chosen[: context.recipe.refined.most_steps])


def stored_draws(context: Context, jobs: Sequence[Job]) -> xr.Dataset:
    """Draws of several checkpoints along a new axis `step`.

    Only components with a good chain at every checkpoint: the others have no curve.
    """
    return with_curves(join_steps({job.step: job.cell.read(context.run) for job in jobs}))


def with_curves(draws: xr.Dataset) -> xr.Dataset:
    """Draws along `step` of the components that have a good chain at every checkpoint."""
    measured = (draws.status == CONVERGED).any("chain").all("step")
    return draws.sel(component=measured.values)


def join_steps(by_step: dict[int, xr.Dataset]) -> xr.Dataset:
    """Data sets of several checkpoints along a new axis `step`."""
    steps = xr.DataArray(list(by_step), dims="step", name="step")
    return xr.concat(list(by_step.values()), steps, combine_attrs="drop_conflicts")


def lambda_series(draws: xr.Dataset) -> xr.DataArray:
    """n_beta times the loss difference of every draw; failed chains are NaN throughout."""
    values: xr.DataArray = draws.attrs["n_beta"] * draws.loss
    return values.where(draws.status == CONVERGED)


def _errors(context: Context, sampling: Sequence[Job], draws: xr.Dataset) -> xr.DataArray:
    """Stored errors of the components that the draws hold (step, component)."""
    table = estimates_cell(context, sampling).cell.read(context.run)
    errors: xr.DataArray = table.mcse.sel(component=draws.component)
    return errors


def _join_domains(tables: dict[str, xr.Dataset]) -> xr.Dataset:
    """Tables of several domains along a new axis `domain`."""
    domains = xr.DataArray(list(tables), dims="domain", name="domain")
    return xr.concat(list(tables.values()), domains)


def _refined_series(context: Context, jobs: Sequence[Job]) -> xr.DataArray:
    domains = xr.DataArray([job.domain for job in jobs], dims="domain", name="domain")
    parts = [lambda_series(job.cell.read(context.run)) for job in jobs]
    return xr.concat(parts, domains)
