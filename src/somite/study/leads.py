"""What forms first: modules of a run, or what it has learned to do."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from somite.modularity import false_discovery, lead_lag
from somite.modularity.lead_lag import change_time
from somite.modularity.tracking import SMALLEST

MOST = 3
"""Modules whose forming is timed: those that are seen at the most checkpoints."""
SCORES = ("previous_token", "induction")
FLAT = "does not change"
NUMBERS = ("first_step", "second_step", "lag", "sd", "low", "high", "sign_support", "p_value")


def leads(
    by_step: Mapping[int, xr.Dataset],
    tracked: xr.Dataset,
    training: xr.Dataset,
    behavior: xr.Dataset,
    weight: str = "I",
) -> xr.Dataset:
    """Lag of what a run learns behind the forming of its modules.

    What forms: the modularity above that of matrices without modules; the contrast of the modules
    that are seen longest (`module_contrast`); the interaction of the highest previous-token head
    with the highest induction head. Against what: the loss (mean over domains), the in-context
    score and the scores of these two heads, all cut to the time between the first and the last
    checkpoint of the modules.

    Args:
        by_step: Modules by step, in the order of time.
        tracked: Of `track_modules`, and `core` (identity, component), who belongs to a module.
        training: loss (step, domain).
        behavior: Scores (step, component) and (step,).
        weight: What the interactions are called: "−I" with their sign turned.

    Returns:
        Over row: forms, against (words), first_step, second_step, lag, sd, low, high,
        sign_support, p_value (see `somite.modularity.lead_lag`), q_value (Benjamini and Hochberg
        over the rows), remark: words where a curve does not change, and the numbers are NaN.
    """
    pair = telling_pair(behavior)
    forming = forming_curves(by_step, tracked, pair, weight)
    known = references(training, behavior, pair, list(by_step))
    rows: list[dict[str, float | str]] = [
        {"forms": forms, "against": against, **_row(first, second)}
        for forms, first in forming.items()
        for against, second in known.items()
    ]
    names = ("forms", "against", *NUMBERS, "remark")
    table = xr.Dataset({name: ("row", [row[name] for row in rows]) for name in names})
    return table.assign(q_value=false_discovery(table.p_value))


def telling_pair(behavior: xr.Dataset) -> tuple[str, ...]:
    """The heads that end highest in previous-token and in induction score, of those measured."""
    last = behavior.isel(step=-1)
    return tuple(str(last[s].idxmax("component").item()) for s in SCORES if s in last)


def forming_curves(
    by_step: Mapping[int, xr.Dataset],
    tracked: xr.Dataset,
    pair: tuple[str, ...],
    weight: str = "I",
) -> dict[str, xr.DataArray]:
    """Curves (replicate, step), the measured one first, of what forms, by name."""
    found = list(by_step.values())
    above = [_stacked(f.modularity, f.replicate_modularity) - f.null_mean.item() for f in found]
    curves = {"modularity above chance": np.stack(above, -1)}
    matrices = np.stack(
        [_stacked(f.interaction, f.replicate_interaction) for f in found], 1
    )  # (replicate, step, component, other)
    names = [str(name) for name in tracked.component.values]
    lasting = np.argsort(-tracked.checkpoints.values, kind="stable")[:MOST]
    for identity in sorted(lasting.tolist()):
        if (inside := tracked.core.values[identity]).sum() >= SMALLEST:
            curves[f"module {identity + 1}"] = module_contrast(matrices, inside)
    if len(set(pair)) == 2 and set(pair) <= set(names):
        first, second = (names.index(name) for name in pair)
        curves[f"{weight} of {pair[0]} × {pair[1]}"] = matrices[:, :, first, second]
    steps = {"step": list(by_step)}
    return {name: xr.DataArray(c, steps, ("replicate", "step")) for name, c in curves.items()}


def references(
    training: xr.Dataset, behavior: xr.Dataset, pair: tuple[str, ...], steps: list[int]
) -> dict[str, xr.DataArray]:
    """What a run learns, between the first and the last of some steps, by name."""
    curves = {"loss": training.loss.mean("domain")}
    if "in_context_score" in behavior:
        curves["in-context score"] = behavior.in_context_score
    for score, head in zip((s for s in SCORES if s in behavior), pair, strict=True):
        curves[f"{score.replace('_', '-')} score of {head}"] = behavior[score].sel(component=head)
    within = slice(steps[0], steps[-1])
    return {name: curve.sel(step=within) for name, curve in curves.items()}


def module_contrast(matrices: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Mean interaction between members less that of members with all others (replicate, step).

    Args:
        matrices: Interactions (replicate, step, component, other).
        inside: Who is a member (component,).

    Example:
        >>> blocks = np.kron(np.eye(2), np.ones((2, 2)))[None, None]
        >>> module_contrast(blocks, np.array([True, True, False, False])).tolist()
        [[1.0]]
    """
    own = np.outer(inside, inside) & ~np.eye(len(inside), dtype=bool)
    away = np.outer(inside, ~inside)
    outer = matrices[..., away].mean(-1) if away.any() else 0.0
    result: np.ndarray = matrices[..., own].mean(-1) - outer
    return result


def _stacked(measured: xr.DataArray, replicates: xr.DataArray) -> np.ndarray:
    """The measured value and its replicates along a first axis."""
    ordered = replicates.transpose("replicate", ...).values.astype(np.float64)
    return np.concatenate([measured.values[None], ordered])


def _row(first: xr.DataArray, second: xr.DataArray) -> dict[str, float | str]:
    """Lag and its error, or why there is none."""
    steps = second.step.values.astype(np.float64)
    measured = first[0].values, second.values.astype(np.float64)
    usable = all(np.isfinite(values).all() for values in measured)
    if usable and not np.isnan(change_time(first.step.values.astype(np.float64), measured[0])):
        if not np.isnan(change_time(steps, measured[1])):
            table = lead_lag(first, second)
            return {name: float(table[name]) for name in NUMBERS} | {"remark": ""}
    return dict.fromkeys(NUMBERS, float("nan")) | {"remark": FLAT}
