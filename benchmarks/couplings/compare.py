"""One case: sampled components, their interactions and couplings, against the truth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

import somite as so
from somite.core.random import stream_seed
from somite.sampling.kernels.kernel import Kernel

ROUNDING = 1e-9
"""Of the scale: what is left where noise cancels exactly."""

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Problem:
    """What is sampled.

    Args:
        name: For the table.
        model: The center.
        target: Loss, data and scale; full gradients.
        kernel: The sampler.
        masks: Disjoint components that make up all that moves.
        exact: Gives the truth, from `somite.theory`, of one copy.
        copies: Independent copies in the model; numbers are given per copy.
    """

    name: str
    model: nn.Module
    target: so.Target
    kernel: Kernel
    masks: Mapping[str, so.Mask]
    exact: Callable[[], xr.Dataset]
    copies: int = 1


def sampled(problem: Problem, **settings: Any) -> xr.Dataset:
    """Draws of the components, of their pairs and of the whole, which a pair may be.

    Every problem has noise of its own: cases that share it would all be off by the same.
    """
    parts = so.modules(problem.masks) | (so.pairs(problem.masks) if len(problem.masks) > 2 else {})
    draws = so.sample(
        problem.model, problem.target, problem.kernel,
        components=parts, blocks=problem.masks, batch_size=None,
        seed=stream_seed("coupled case", problem.name), **settings,
    )  # fmt: skip
    return draws


def paired(draws: xr.Dataset) -> xr.Dataset:
    """The same draws, the whole of two components under the name of their pair."""
    names = draws.component.values.tolist()
    if len(names) == 3:
        names[-1] = "|".join(names[:2])
    return draws.assign_coords(component=names)


def compare(problem: Problem, **settings: Any) -> list[Row]:
    """Every quantity of one problem: truth, estimate, error, both over the scale."""
    draws = sampled(problem, **settings)
    table, pairs = so.coupling(draws), so.interaction(paired(draws))
    truth = problem.exact()
    rows: list[Row] = []

    def add(what: str, exact: float, value: float, error: float, scale: float) -> None:
        tolerance, told = 2 * error + ROUNDING * scale, max(3 * error, ROUNDING * scale)
        rows.append({
            "case": problem.name, "quantity": what, "truth": exact, "estimate": value,
            "error": error, "relative_error": error / scale,
            "within": bool(abs(value - exact) <= tolerance),
            "same_sign": bool(value * exact > 0) if abs(exact) > told else None,
        })  # fmt: skip

    each, whole = problem.copies, float(truth.llc_full)
    for name in table.component.values:
        one, exact = table.sel(component=name), truth.sel(component=name)
        values = {"llc": one.mcse, "share": one.share_mcse}
        for what, error in values.items():
            add(what, float(exact[what]), float(one[what]) / each, float(error) / each, whole)
        if np.isfinite(exact.coupling):
            add("coupling", float(exact.coupling), float(one.coupling),
                float(one.coupling_mcse), 1.0)  # fmt: skip
    for what in ("llc_full", "total_coupling"):
        numbers = (
            float(truth[what]),
            float(table[what]) / each,
            float(table[f"{what}_mcse"]) / each,
        )
        add(what, *numbers, whole)
    for pair in pairs.pair.values:
        one = pairs.sel(pair=pair)
        exact = truth.interaction.sel(
            component=str(one["first"].values), other=str(one["second"].values)
        )
        add(
            "interaction",
            float(exact),
            float(one.interaction) / each,
            float(one.mcse) / each,
            whole,
        )
    return rows


def summary(rows: list[Row]) -> dict[str, Row]:
    """For each quantity: how many, how many within 2 errors, errors over the scale, signs."""
    found = {}
    for what in dict.fromkeys(row["quantity"] for row in rows):
        chosen = [row for row in rows if row["quantity"] == what]
        signs = [row["same_sign"] for row in chosen if row["same_sign"] is not None]
        found[what] = {
            "cases": len(chosen),
            "within": float(np.mean([row["within"] for row in chosen])),
            "median_error": float(np.median([row["relative_error"] for row in chosen])),
            "signs": float(np.mean(signs)) if signs else float("nan"),
        }
    return found
