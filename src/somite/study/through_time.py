"""Modules of a run through time: followed, with events, their modularity, what leads and lags."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.core.fingerprint import code_fingerprint
from somite.modularity import false_discovery, find_events, learning_phases, track_modules
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell
from somite.study.context import Context
from somite.study.folder import read_manifest
from somite.study.leads import leads
from somite.study.pair_modules import RELATIONS, of_relation
from somite.study.results import load_curves

FEWEST = 3
"""Fewest checkpoints over which modules are followed."""
NUMBERS = (
    *("modularity", "modularity_z", "p_value", "null_mean", "null_low", "null_high"),
    "replicate_modularity",
)
"""What is taken over from each checkpoint."""
WEIGHTS = {"redundant": "I", "cooperating": "−I"}
BASELINE = ("baseline_p_value", "ari", "ari_p_value")


def through_cells(context: Context, cells: Mapping[int, Cell]) -> dict[str, Planned]:
    """Modules of several checkpoints, followed through time: one cell for each kind of modules.

    Args:
        context: A finished run.
        cells: Where the modules of each checkpoint are, in the order of time.
    """
    training, behavior = load_curves(context.run)
    scores = read_manifest(context.run)["cells"]["behavior"]
    identity = {
        "modules": [cell.key for cell in cells.values()],
        "training": context.series_folder.name,
        "behavior": sorted(scores.values()),
        "code": code_fingerprint(*ANALYSIS_ROWS),
    }

    def make(relation: str) -> xr.Dataset:
        by_step = {step: cell.read(context.run) for step, cell in cells.items()}
        return through_time(by_step, relation, training, behavior)

    return {
        name: Planned(Cell("modules_through", name, identity), partial(make, name))
        for name in RELATIONS
    }


def through_time(
    by_step: Mapping[int, xr.Dataset],
    relation: str,
    training: xr.Dataset,
    behavior: xr.Dataset,
) -> xr.Dataset:
    """Follow one kind of modules over checkpoints and set them against what a run has learned.

    Args:
        by_step: Modules by step in the order of time, see `somite.study.pair_modules.modules_of`;
            three or more.
        relation: The kind, a name in `RELATIONS`.
        training: loss (step, domain).
        behavior: Scores (step, component) and (step,).

    Returns:
        Over step: modularity with modularity_sd (bootstrap), modularity_z, p_value and q_value
        (Benjamini and Hochberg over the checkpoints and both kinds), null_mean, null_low and
        null_high (95 %),
        n_modules (of two components or more), significant (pairs with q < 0.05 whose interaction
        has the sign of the kind), phase; over
        (step, component): module, its identity or −1, of `track_modules`; over identity:
        first_step, last_step, checkpoints; over (identity, component): core (`with_core`); over
        event: those of `find_events`, each name after "event_"; over lead: those of `leads`, each
        name after "lead_"; over phase_name: phase_first_step, phase_last_step; over
        (step, baseline), where measured: baseline_p_value, ari, ari_p_value. Attribute phases_note:
        why there are no phases, if so.
    """
    steps = xr.DataArray(list(by_step), dims="step", name="step")
    p_values = xr.concat([each.p_value for each in by_step.values()], steps)
    by_step = {step: of_relation(each, relation) for step, each in by_step.items()}
    found = list(by_step.values())
    labels = xr.concat([each.label for each in found], steps)
    numbers = {name: xr.concat([each[name] for each in found], steps) for name in NUMBERS}
    replicates = numbers.pop("replicate_modularity")
    tracked = with_core(track_modules(labels))
    again = xr.concat([each.replicate_label for each in found], steps)
    parts = [
        xr.Dataset(numbers).assign(
            modularity_sd=replicates.std("replicate", ddof=1),
            q_value=false_discovery(p_values).sel(relation=relation, drop=True),
            significant=("step", [significant(each) for each in found]),
            n_modules=("step", [int(each.max()) + 1 for each in _together(labels)]),
        ),
        tracked,
        _named(find_events(labels, again), "event"),
        _named(leads(by_step, tracked, training, behavior, WEIGHTS[relation]), "lead"),
        _phases(training, steps),
    ]
    if all("ari" in each for each in found):
        columns = {name: xr.concat([each[name] for each in found], steps) for name in BASELINE}
        parts.append(xr.Dataset(columns))
    merged = xr.merge(parts, combine_attrs="no_conflicts", join="outer", compat="no_conflicts")
    return merged.assign_attrs(relation=relation)


def with_core(tracked: xr.Dataset) -> xr.Dataset:
    """Modules through time, and who is in each at half or more of its checkpoints (`core`).

    Example:
        >>> rows = xr.DataArray([[0, 0, 1], [0, 0, 0], [0, 0, 1]], dims=("step", "component"))
        >>> tracked = track_modules(rows.assign_coords(step=[0, 1, 2], component=list("abc")))
        >>> with_core(tracked).core.values.tolist()
        [[True, True, False]]
    """
    members = tracked.module == xr.DataArray(np.arange(tracked.sizes["identity"]), dims="identity")
    share = members.sum("step") / tracked.checkpoints
    return tracked.assign(core=(share >= 0.5).transpose("identity", "component"))


def significant(found: xr.Dataset) -> int:
    """Number of pairs whose interaction is above zero and no chance (q < 0.05)."""
    return int(((found.q_value.values < 0.05) & (found.interaction.values > 0)).sum()) // 2


def _together(labels: xr.DataArray) -> list[np.ndarray]:
    """Labels of each step counted anew, modules of one component not counted."""
    result = []
    for row in labels.transpose("step", "component").values:
        names, counts = np.unique(row, return_counts=True)
        result.append(np.cumsum(counts > 1)[np.searchsorted(names, row)] - 1)
    return result


def _named(table: xr.Dataset, dim: str) -> xr.Dataset:
    """A table whose columns begin with the name of its rows; text stays text where none is."""
    columns = {
        f"{dim}_{name}": (dim, values.values.astype(str) if name in TEXT else values.values)
        for name, values in table.data_vars.items()
    }
    return xr.Dataset(columns)


TEXT = ("kind", "forms", "against", "remark")


def _phases(training: xr.Dataset, steps: xr.DataArray) -> xr.Dataset:
    """Phases of learning and the one of each step; a note where the loss does not fall."""
    try:
        found = learning_phases(training.loss.mean("domain"))
    except InputError as error:
        return xr.Dataset(attrs={"phases_note": str(error)})
    columns = {"phase": found.phase.sel(step=steps.values)}
    for end in ("first_step", "last_step"):
        columns[f"phase_{end}"] = found[end]
    return xr.Dataset(columns, attrs={"phases_note": ""})
