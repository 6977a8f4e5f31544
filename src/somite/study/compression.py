"""How far the weights of a run can be spoiled at its checkpoints, beside its coefficients."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import xarray as xr
from torch import Tensor

from somite.baselines import transformer_lesions
from somite.components import components
from somite.components.mask import Mask
from somite.components.unions import FULL
from somite.consequences import (
    DISTORTIONS,
    corruption_damage,
    damage,
    head_pruning,
    random_removal,
    reversal_damage,
)
from somite.core.checks import one_of, positive
from somite.core.fingerprint import code_fingerprint, fingerprint
from somite.core.random import stream
from somite.data.config import MIXTURE
from somite.models.losses import next_token_loss
from somite.models.transformer import head_names
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell, sweep_partial
from somite.study.compression_tables import compression_tables
from somite.study.context import Context
from somite.study.cost import clock, duration, run_missing
from somite.study.engine import Local
from somite.study.folder import COMPRESSION, claimed, listed_modules, read_manifest, write_whole
from somite.study.jobs import (
    THREADS,
    Job,
    Progress,
    chain_steps,
    made_with,
    place,
    sampled_identity,
    sampling_settings,
)
from somite.study.modules import make_cell
from somite.study.results import load_results
from somite.study.run import Silent, Watch

DAMAGE_ROWS = (
    *("core", "components", "models", "sampling", "data", "behavior", "baselines"),
    *("consequences", "study"),
)
ROWS = 32
"""Rows of text on which damage is measured."""
TOLERANCE = 0.05
"""Rise of the loss that is allowed, in nats per token."""
DRAWS = 60
"""Most draws of a chain of all weights."""
CORRUPTED = 0.1
"""Share of the tokens that are replaced."""
DROPPED = 0.25
"""Share of the heads that are withheld together."""


def study_compression(
    context: Context,
    steps: Sequence[int],
    tolerance: float = TOLERANCE,
    every: bool = False,
    workers: int | None = None,
    watch: Watch | None = None,
) -> Path:
    """Spoil weights, heads and text at some checkpoints, sample the full model, and compare.

    What is there already is used again; stopped at any moment, the same call goes on.

    Args:
        context: A finished run.
        steps: Checkpoints.
        tolerance: Rise of the loss that is allowed [nats per token]; a component is allowed its
            part of it, one over their number.
        every: Whether components are spoiled one by one at every checkpoint, which takes several
            times as long, or at the last alone.
        workers: Jobs at once; None for one per core.
        watch: Is told of the cost before it is paid, and of the progress.

    Returns:
        The file that says which cell holds the result.

    Raises:
        InputError: If a step is no checkpoint, the tolerance is not positive, or the run is in use
            or cannot be written.
    """
    watch, run = watch or Silent(), context.run
    positive("tolerance", tolerance)
    for step in steps:
        one_of("step", str(step), [str(known) for known in context.series.steps()])
    with Local().start(workers, context.device) as runner, claimed(run, context.recipe.name):
        sweep_partial(run)
        sampled = [full_job(context, step) for step in steps]
        damaged = [damage_job(context, step, every or step == max(steps)) for step in steps]
        run_missing(sampled, context, runner, watch, "coefficients of all weights")
        run_missing(damaged, context, runner, watch, "damage", _cost)
        planned = compression_cell(context, sampled, damaged, tolerance)
        make_cell(planned, run, "compressibility", watch)
        write_whole(run / COMPRESSION, {"cell": planned.cell.listed(run), "tolerance": tolerance})
    return run / COMPRESSION


def full_job(context: Context, step: int) -> Job:
    """Job that samples all weights at once at a checkpoint, with the settings of the components.

    Draws are fewer where there are many: together weights have a larger coefficient, and its
    relative error is smaller.
    """
    settings = sampling_settings(context, MIXTURE) | {"components": FULL}
    settings["draws"] = min(settings["draws"], DRAWS)
    masks = components(context.new_model(), FULL)
    identity = sampled_identity(context, step, MIXTURE, masks, settings)
    cell = Cell("sampling", place(step), identity | {"components": [FULL]})
    return Job(cell, step, cost=chain_steps(settings, 1))


def damage_job(context: Context, step: int, each: bool = True) -> Job:
    """Job that spoils all weights, and if asked for those of each component, at a checkpoint."""
    masks = spoiled(context, each)
    identity = {
        "step": step,
        "weights": fingerprint(context.series.weights(step)),
        "data": fingerprint(text(context)),
        "masks": fingerprint({name: dict(mask.entries) for name, mask in masks.items()}),
        "each": each,
        "distortions": fingerprint({n: (d.levels, d.variants) for n, d in DISTORTIONS.items()}),
        "device": context.device,
        "threads": THREADS,
        **made_with(*DAMAGE_ROWS),
    }
    return Job(Cell("damage", place(step), identity), step, cost=len(masks), do=_damage)


def spoiled(context: Context, each: bool) -> dict[str, Mask]:
    """All weights, and the components of the run if asked for."""
    model = context.new_model()
    own = components(model, context.recipe.sampling.components) if each else {}
    return components(model, FULL) | own


def text(context: Context) -> Tensor:
    """The rows on which damage is measured, in the proportions of training."""
    return context.rows(MIXTURE, ROWS, "validation", context.recipe.behavior.seed)


def _damage(job: Job, context: Context, progress: Progress) -> None:
    """Spoil one component after the other, then heads and text, and store what it cost."""
    model, rows = context.model(job.step), text(context).to(context.device)
    masks, parts = spoiled(context, job.cell.identity["each"]), []
    for number, (name, mask) in enumerate(masks.items()):
        parts.append(damage(model, next_token_loss, rows, {name: mask}))
        progress(number, len(masks))
    found = xr.concat(parts, "component", data_vars="minimal", coords="minimal", compat="override")
    heads, seed = list(head_names(model.config)), context.recipe.behavior.seed
    without = transformer_lesions(model, {"text": rows})
    number = max(1, round(DROPPED * len(heads)))
    removed = head_pruning(without, heads)
    found = found.assign(
        heads_kept=removed.drop_attrs(),
        dropped=random_removal(without, heads, number, seed=seed),
        corrupted=corruption_damage(model, rows, CORRUPTED, stream(seed, "corrupted text")),
        reversed=reversal_damage(model, rows),
    )
    job.cell.write(context.run, found.assign_attrs(order=json.dumps(removed.attrs["order"])))


def _cost(context: Context, jobs: Sequence[Job], workers: int, what: str) -> str:
    """How long the damage takes, from one level of one distortion of all components."""
    model, rows = context.model(jobs[-1].step), text(context).to(context.device)
    masks = spoiled(context, each=True)
    short = {"pruning": replace(DISTORTIONS["pruning"], levels=(0.5, 1.0))}
    spent, now = [], clock(context.device)
    for _ in range(2):  # the first warms up
        start = now()
        damage(model, next_token_loss, rows, masks, short)
        spent.append(now() - start)
    passes = sum(each.variants * len(each.levels) for each in DISTORTIONS.values())
    at_once = min(workers, len(jobs))
    number = sum(job.cost for job in jobs)
    taken = duration(number * passes * spent[-1] / (2 * len(masks)) / at_once)
    return (
        f"{what} at {len(jobs)} checkpoints: {passes * number:,} passes, "
        f"about {taken} on {at_once} workers; stopped at any moment, the same command goes on"
    )


def compression_cell(
    context: Context, sampled: Sequence[Job], damaged: Sequence[Job], tolerance: float
) -> Planned:
    """Critical levels and damage at all checkpoints, and how they go with the coefficients."""
    cells: dict[str, Any] = read_manifest(context.run)["cells"]
    identity = {
        "sampled": [job.cell.key for job in sampled],
        "damaged": [job.cell.key for job in damaged],
        "estimates": {kind: cells.get(kind) for kind in ("estimates", "sampling")},
        "modules": listed_modules(context.run),
        "tolerance": tolerance,
        "torch": torch.__version__,
        "code": code_fingerprint(*ANALYSIS_ROWS, "consequences"),
    }

    def make() -> xr.Dataset:
        run = context.run
        return compression_tables(
            load_results(run),
            {job.step: job.cell.read(run) for job in sampled},
            {job.step: job.cell.read(run) for job in damaged},
            tolerance,
        )

    return Planned(Cell("compressibility", "all", identity), make)
