"""Modules of a run at its checkpoints: interactions of all pairs, what they form, through time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from torch import Tensor

from somite.baselines import WEIGHT_METHODS, baseline_matrix, of_transformer
from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.core.fingerprint import code_fingerprint
from somite.core.threads import torch_threads
from somite.data.config import MIXTURE
from somite.estimators.joint import joined
from somite.models.transformer import Transformer
from somite.modularity import agreement, is_modular
from somite.modularity.groups import layers_of
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell, sweep_partial
from somite.study.context import Context
from somite.study.cost import cost_in_words
from somite.study.engine import Local
from somite.study.folder import MODULES, claimed, listed_modules, listed_through, write_whole
from somite.study.jobs import THREADS, Job, interaction_jobs, place
from somite.study.pair_modules import modules_of
from somite.study.run import Silent, Watch
from somite.study.through_time import FEWEST, through_cell
from somite.truths.shuffled import shuffled_model

BASELINES = ("composition", "cka", "attribution_correlation")
"""Other methods, one of weights, one of activations, one of gradients."""
NULL_MODELS = 39
"""Copies of the model with shuffled weights that their verdicts are compared with."""
ROWS = 64
"""Rows of text on which the other methods look at activations and gradients."""


def study_modules(
    context: Context, steps: Sequence[int], workers: int | None = None, watch: Watch | None = None
) -> Path:
    """Sample the interactions of all pairs of components at some checkpoints; find modules in them.

    What is there already is used again; stopped at any moment, the same call goes on. From three
    checkpoints on, those of earlier calls with the same settings included, the modules are followed
    through time.

    Args:
        context: A run whose training is done.
        steps: Checkpoints.
        workers: Jobs at once; None for one per core.
        watch: Is told of the cost before it is paid, and of the progress.

    Returns:
        The file that lists the results.

    Raises:
        InputError: If a step is no checkpoint, there are no modules to be found at any of them, or
            the run is in use or cannot be written.
    """
    watch, run = watch or Silent(), context.run
    for step in steps:
        one_of("step", str(step), [str(known) for known in context.series.steps()])
    with Local().start(workers, context.device) as runner, claimed(run, context.recipe.name):
        sweep_partial(run)
        jobs = {step: interaction_jobs(context, step) for step in steps}
        missing = [j for part in jobs.values() for j in part if not j.cell.exists(run)]
        if missing:
            watch.say(cost_in_words(context, missing, runner.workers))
        watch.phase("interactions", float(sum(job.cost for job in missing)))
        runner.run(missing, context, watch.advance)
        cells = _found(context, jobs, watch)
        listed = listed_modules(run) | {str(s): c.listed(run) for s, c in cells.items()}
        content: dict[str, Any] = {"cells": listed}
        if earlier := listed_through(run):
            content["through"] = earlier
        alike = alike_cells(context, listed) | cells
        if len(alike) >= FEWEST:
            planned = through_cell(context, dict(sorted(alike.items())))
            make_cell(planned, run, "modules through time", watch)
            content["through"] = planned.cell.listed(run)
        write_whole(run / MODULES, content)
    return run / MODULES


def _found(context: Context, jobs: Mapping[int, Sequence[Job]], watch: Watch) -> dict[int, Cell]:
    """Cells with the modules of each checkpoint; one without any is said, and left out.

    Raises:
        InputError: If there is no other.
    """
    cells: dict[int, Cell] = {}
    for number, (step, part) in enumerate(jobs.items(), start=1):
        planned = modules_cell(context, step, part)
        try:
            make_cell(planned, context.run, f"modules at step {step}", watch)
        except InputError as error:
            if number == len(jobs) and not cells:
                raise
            watch.say(f"step {step} is left out: {error}")
            continue
        cells[step] = planned.cell
    return cells


def make_cell(planned: Planned, run: Path, phase: str, watch: Watch) -> None:
    """Compute a cell that is not there yet."""
    if planned.cell.exists(run):
        return
    watch.phase(phase, 1)
    with torch_threads(THREADS):
        planned.cell.write(run, planned.make())
    watch.advance(1)


def alike_cells(context: Context, listed: Mapping[str, str]) -> dict[int, Cell]:
    """Cells of earlier calls that would be made in the same way now."""
    planned = {
        int(s): modules_cell(context, int(s), interaction_jobs(context, int(s))) for s in listed
    }
    return {s: p.cell for s, p in planned.items() if p.cell.listed(context.run) == listed[str(s)]}


def modules_cell(context: Context, step: int, jobs: Sequence[Job]) -> Planned:
    """Interactions of all pairs at a checkpoint, modules in them, and what other methods find."""
    identity = {
        "draws": [job.cell.key for job in jobs],
        "baselines": [*BASELINES, ROWS, NULL_MODELS],
        "code": code_fingerprint(*ANALYSIS_ROWS, "baselines", "truths"),
    }

    def make() -> xr.Dataset:
        parts = [job.cell.read(context.run) for job in jobs]
        for part in parts:
            del part.attrs["identity"]  # which of the pairs it holds
        draws = joined(parts)
        found = modules_of(draws, context.recipe.stages.seed)
        others = _other_methods(context, step, found)
        merged = xr.merge([found, others], combine_attrs="no_conflicts")
        return merged.assign_attrs(step=step)

    return Planned(Cell("modules", place(step), identity), make)


def _other_methods(context: Context, step: int, found: xr.Dataset) -> xr.Dataset:
    """Modules of other methods, and how well they agree with those found, within layers."""
    model = context.model(step).to("cpu")
    rows = context.rows(MIXTURE, ROWS, "validation", context.recipe.behavior.seed)
    names, seed = [str(name) for name in found.component.values], context.recipe.stages.seed
    matrices = _matrices(model, rows, names)
    nulls = [_matrices(shuffled_model(model, i), rows, names) for i in range(NULL_MODELS)]
    layers, labels, scores = layers_of(names), [], []
    for name, matrix in matrices.items():
        null = xr.concat([one[name] for one in nulls], "null", combine_attrs="drop")
        own = is_modular(matrix, seed, null=null, strata=layers)
        both = agreement(found.label.values, own.label.values, layers, seed)
        labels.append(own.label.values)
        scores.append([own.p_value.item(), both.ari, both.p_value])
    columns = zip(("baseline_p_value", "ari", "ari_p_value"), np.transpose(scores), strict=True)
    return xr.Dataset(
        {
            "baseline_label": (("baseline", "component"), np.array(labels)),
            **{name: ("baseline", values) for name, values in columns},
        },
        coords={"baseline": list(BASELINES), "component": names},
    )


def _matrices(model: Transformer, rows: Tensor, names: list[str]) -> dict[str, xr.DataArray]:
    """What each of the other methods makes of a model."""
    recording = of_transformer(model, rows)
    whole = {
        name: WEIGHT_METHODS[name](model)
        if name in WEIGHT_METHODS
        else baseline_matrix(name, recording)
        for name in BASELINES
    }
    return {name: matrix.sel(component=names, other=names) for name, matrix in whole.items()}
