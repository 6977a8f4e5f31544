"""Modules of a run at a checkpoint: interactions of all pairs, what they form, what others find."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from scipy.stats import norm

from somite.baselines import WEIGHT_METHODS, baseline_matrix, of_transformer
from somite.core.checks import one_of
from somite.core.fingerprint import code_fingerprint
from somite.core.threads import torch_threads
from somite.data.config import MIXTURE
from somite.estimators.interaction import interaction, pair_matrix, weights
from somite.estimators.joint import joined
from somite.modularity import (
    agreement,
    false_discovery,
    find_modules,
    is_modular,
    resampled_matrices,
)
from somite.modularity.groups import layers_of
from somite.sampling.status import CONVERGED
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell, sweep_partial
from somite.study.context import Context
from somite.study.engine import Local
from somite.study.folder import MODULES, claimed, listed_modules, write_whole
from somite.study.jobs import THREADS, Job, interaction_jobs, place
from somite.study.run import Silent, Watch

BASELINES = {"composition": "pairs", "cka": "rotation", "attribution_correlation": "rotation"}
"""Other methods, one of weights, one of activations, one of gradients; the null that fits each."""
ROWS = 64
"""Rows of text on which the other methods look at activations and gradients."""


def study_modules(
    context: Context, steps: Sequence[int], workers: int | None = None, watch: Watch | None = None
) -> Path:
    """Sample the interactions of all pairs of components at some checkpoints; find modules in them.

    What is there already is used again; stopped at any moment, the same call goes on.

    Args:
        context: A run whose training is done.
        steps: Checkpoints.
        workers: Jobs at once; None for one per core.
        watch: Is told of the progress.

    Returns:
        The file that lists the results.

    Raises:
        InputError: If a step is no checkpoint, or the run is in use or cannot be written.
    """
    watch, run = watch or Silent(), context.run
    for step in steps:
        one_of("step", str(step), [str(known) for known in context.series.steps()])
    with Local().start(workers, context.device) as runner, claimed(run, context.recipe.name):
        sweep_partial(run)
        jobs = {step: interaction_jobs(context, step) for step in steps}
        missing = [j for part in jobs.values() for j in part if not j.cell.exists(run)]
        watch.phase("interactions", float(sum(job.cost for job in missing)))
        runner.run(missing, context, watch.advance)
        cells = listed_modules(run)
        for step, part in jobs.items():
            planned = modules_cell(context, step, part)
            if not planned.cell.exists(run):
                watch.phase(f"modules at step {step}", 1)
                with torch_threads(THREADS):
                    planned.cell.write(run, planned.make())
                watch.advance(1)
            cells[str(step)] = str(planned.cell.path(run).relative_to(run))
        write_whole(run / MODULES, {"cells": cells})
    return run / MODULES


def modules_cell(context: Context, step: int, jobs: Sequence[Job]) -> Planned:
    """Interactions of all pairs at a checkpoint, modules in them, and what other methods find."""
    identity = {
        "draws": [job.cell.key for job in jobs],
        "baselines": [*BASELINES.items(), ROWS],
        "code": code_fingerprint(*ANALYSIS_ROWS, "baselines"),
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


def modules_of(draws: xr.Dataset, seed: int) -> xr.Dataset:
    """Interactions of all pairs, the modules that they form, and whether that is more than chance.

    Args:
        draws: Of all components and the unions of their pairs, see `somite.pairs`.
        seed: Seed of the resampling, the search and the null.

    Returns:
        Over (component, other): `interaction`, `mcse`, `z`, `remark`, and `q_value`, the p-value of
        z (two-sided) corrected for the number of pairs (Benjamini and Hochberg); over component:
        `label`, `module_stability`; `modularity`, `modularity_z` and `p_value` of the best
        partition, the search repeated on weights shuffled among pairs within layers. Attributes of
        `find_modules`.
    """
    table = interaction(draws, on_failure="leave out")
    columns = {name: pair_matrix(table[name]) for name in ("interaction", "mcse", "z")}
    again = resampled_matrices(pair_series(draws, table), seed)
    matrix = again.matrix
    found = find_modules(matrix, again.replicates, seed)
    test = is_modular(matrix, seed, strata=layers_of(matrix.component.values))
    table["p_value"] = two_sided(table.z)
    columns["q_value"] = pair_matrix(false_discovery(table.p_value))
    return xr.Dataset(
        {
            **columns,
            "label": found.label,
            "module_stability": found.module_stability,
            "modularity": test.value,
            "modularity_z": test.z,
            "p_value": test.p_value,
        },
        attrs={**found.attrs, "remarks": int((table.remark != "").sum())},
    )


def pair_series(draws: xr.Dataset, table: xr.Dataset) -> xr.DataArray:
    """n_beta·(l_A + l_B − l_AB) of all pairs at each draw (component, other, chain, draw)."""
    losses, n_beta = draws.loss.where(draws.status == CONVERGED), draws.attrs["n_beta"]
    names = list(dict.fromkeys([*table["first"].values.tolist(), *table["second"].values.tolist()]))
    shape = (len(names), len(names), draws.sizes["chain"], draws.sizes["draw"])
    dims = ("component", "other", "chain", "draw")
    series = xr.DataArray(np.full(shape, np.nan), {"component": names, "other": names}, dims)
    for pair in table.pair:
        a, b = pair["first"].item(), pair["second"].item()
        parts = [sign * losses.sel(component=name) for name, sign in weights((a, b)).items()]
        series.loc[a, b] = series.loc[b, a] = n_beta * sum(part.values for part in parts)
    return series


def two_sided(z: xr.DataArray) -> xr.DataArray:
    """Two-sided p-value of a standard normal z; 1 where it is not a number."""
    return z.copy(data=np.nan_to_num(2 * norm.sf(abs(z.values)), nan=1.0))


def _other_methods(context: Context, step: int, found: xr.Dataset) -> xr.Dataset:
    """Modules of other methods, and how well they agree with those found, within layers."""
    model = context.model(step).to("cpu")
    rows = context.rows(MIXTURE, ROWS, "validation", context.recipe.behavior.seed)
    recording, seed = of_transformer(model, rows), context.recipe.stages.seed
    names = [str(name) for name in found.component.values]
    layers, labels, scores = layers_of(names), [], []
    for name, null in BASELINES.items():
        whole = (
            WEIGHT_METHODS[name](model)
            if name in WEIGHT_METHODS
            else baseline_matrix(name, recording)
        )
        matrix = whole.sel(component=names, other=names)
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
