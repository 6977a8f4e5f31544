"""Modules as plain values, for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from somite.report.sections.modules import members, strongest

if TYPE_CHECKING:
    from somite.study.results import FoundModules

NUMBERS = ("p_value", "p_adjusted", "modularity", "null_mean")
OVER_STEPS = ("step", "modularity", "null_mean", "p_value", "q_value", "n_modules", "significant")


def plain_modules(
    modules: Mapping[str, FoundModules], step: int | None = None
) -> dict[str, object]:
    """Modules of every set of components as plain values.

    Args:
        modules: By set of components, see `Results.modules`.
        step: Checkpoint; the last one of each set if left out.

    Returns:
        By set of components: "step"; "relations", the partition of each kind with its p_value and
        p_adjusted (Holm over the kinds); "pairs", the strongest first; "through", by kind, numbers
        over checkpoints, where modules were followed.
    """
    return {chosen: _set(found, step) for chosen, found in modules.items()}


def _set(modules: FoundModules, step: int | None) -> dict[str, object]:
    at = max(modules.by_step) if step is None else step
    found = modules.by_step[at]
    pairs = [
        {"pair": [a, b], "interaction": value, "mcse": error, "q_value": q}
        for a, b, value, error, q in strongest(found)
    ]
    return {
        "step": at,
        "relations": {
            str(name): _relation(found.sel(relation=name)) for name in found.relation.values
        },
        "pairs": pairs,
        "through": {
            relation: {name: through[name].values.tolist() for name in OVER_STEPS}
            for relation, through in modules.through.items()
        },
    }


def _relation(one: xr.Dataset) -> dict[str, object]:
    groups = [{"components": names, "stability": s} for _, names, s in members(one)]
    return {"modules": groups, **{name: float(one[name]) for name in NUMBERS}}
