"""Modules of a run at its checkpoints: interactions of all pairs, what they form, through time."""

from collections.abc import Mapping, Sequence
from pathlib import Path

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
from somite.models.transformer import Transformer, head_names
from somite.modularity import agreement, is_modular
from somite.modularity.groups import layer_types
from somite.modularity.matrix import off_diagonal
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell, sweep_partial
from somite.study.context import Context
from somite.study.cost import cost_in_words
from somite.study.engine import Local
from somite.study.folder import MODULES, claimed, listed_modules, write_whole
from somite.study.jobs import THREADS, Job, interaction_jobs, interaction_settings, place
from somite.study.pair_modules import RELATIONS, modules_of
from somite.study.preflight import check_modules
from somite.study.run import Silent, Watch
from somite.study.through_time import FEWEST, through_cells
from somite.truths.shuffled import shuffled_model

BASELINES = ("composition", "cka", "attribution_correlation")
"""Other methods, one of weights, one of activations, one of gradients."""
NULL_MODELS = 39
"""Copies of the model with shuffled weights that their verdicts are compared with."""
ROWS = 64
"""Rows of text on which the other methods look at activations and gradients."""
LEAST_HEADS = 3
"""Fewest heads among the components whose modules are compared with those of other methods."""


def study_modules(
    context: Context, steps: Sequence[int], workers: int | None = None, watch: Watch | None = None
) -> Path:
    """Sample the interactions of all pairs of components at some checkpoints; find modules in them.

    What is there already is used again; stopped at any moment, the same call goes on. From three
    checkpoints on, those of earlier calls with the same settings included, the modules are followed
    through time. Sets of components stand side by side: another one leaves those before it alone.

    Args:
        context: A run whose training is done; its recipe says which components and how many draws.
        steps: Checkpoints.
        workers: Jobs at once; None for one per core.
        watch: Is told of the cost before it is paid, and of the progress.

    Returns:
        The file that lists the results.

    Raises:
        InputError: If a step is no checkpoint, the components are not there, share weights or are
            too few, there are no modules to be found at any checkpoint, or the run is in use or
            cannot be written.
    """
    watch, run = watch or Silent(), context.run
    check_modules(context.recipe)
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
        sets, chosen = listed_modules(run), interaction_settings(context)["components"]
        before = sets.get(chosen, {})
        listed = before.get("cells", {}) | {str(s): c.listed(run) for s, c in cells.items()}
        alike = alike_cells(context, listed) | cells
        through = before.get("through", {}) | _followed(context, dict(sorted(alike.items())), watch)
        sets[chosen] = {"cells": listed} | ({"through": through} if through else {})
        write_whole(run / MODULES, {"sets": sets})
    return run / MODULES


def _followed(context: Context, cells: Mapping[int, Cell], watch: Watch) -> dict[str, str]:
    """Cells with each kind of modules through time; none for too few checkpoints."""
    if len(cells) < FEWEST:
        return {}
    planned = through_cells(context, cells)
    for relation, one in planned.items():
        make_cell(one, context.run, f"{relation} modules through time", watch)
    return {relation: one.cell.listed(context.run) for relation, one in planned.items()}


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
        others = other_methods(context, step, found)
        merged = xr.merge([found, others], combine_attrs="no_conflicts", join="outer")
        return merged.assign_attrs(step=step)

    return Planned(Cell("modules", place(step), identity), make)


def other_methods(context: Context, step: int, found: xr.Dataset) -> xr.Dataset:
    """Modules of heads by other methods, and how well either kind of ours agrees with them.

    The other methods know heads: other components are left out of the comparison, and there is
    none among too few heads.
    """
    model = context.model(step).to("cpu")
    known, seed = set(found.component.values.tolist()), context.recipe.stages.seed
    names = [name for name in head_names(model.config) if name in known]
    if len(names) < LEAST_HEADS:
        return xr.Dataset()
    rows = context.rows(MIXTURE, ROWS, "validation", context.recipe.behavior.seed)
    matrices = _matrices(model, rows, names)
    nulls = [_matrices(shuffled_model(model, i), rows, names) for i in range(NULL_MODELS)]
    layers, ours = layer_types(names), found.label.sel(component=names)
    methods = []
    for name, matrix in matrices.items():
        labels, p_value = _partition(matrix, [one[name] for one in nulls], seed, layers)
        both = [agreement(ours.sel(relation=r).values, labels, layers, seed) for r in RELATIONS]
        columns = {
            "baseline_label": ("head", labels),
            "baseline_p_value": p_value,
            "ari": ("relation", [each.ari for each in both]),
            "ari_p_value": ("relation", [each.p_value for each in both]),
        }
        methods.append(xr.Dataset(columns))
    joined = xr.concat(methods, xr.DataArray(list(BASELINES), dims="baseline", name="baseline"))
    return joined.assign_coords(head=names, relation=list(RELATIONS))


def _partition(
    matrix: xr.DataArray, nulls: Sequence[xr.DataArray], seed: int, layers: Sequence[str]
) -> tuple[np.ndarray, float]:
    """Modules of a method's matrix and their p; every head alone where no two are joined."""
    usable = [null for null in nulls if _joins(null)]
    if not usable or not _joins(matrix):
        return np.arange(len(matrix)), 1.0
    null = xr.concat(usable, "null", combine_attrs="drop")
    own = is_modular(matrix, seed, null=null, strata=layers)
    return own.label.values, float(own.p_value)


def _joins(matrix: xr.DataArray) -> bool:
    return bool((off_diagonal(matrix.values) > 0).any())


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
