"""How sure each boundary is: the search repeated on resampled curves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from somite.development.criterion import information_criterion
from somite.development.piecewise import WeightedCurves
from somite.development.search import refine_all
from somite.modularity.series import Array

MATCH = 0.35  # log-step within which a resampled boundary is the same one


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Errors of the boundaries, in log-step.

    Args:
        low: 2.5 % point of each boundary's resampled positions, the number of boundaries held fixed
            and matched in order (boundary,).
        high: 97.5 % point (boundary,).
        spread: Standard deviation (boundary,).
        support: Share of the resamplings whose own best number of boundaries puts one within
            `MATCH` of this one (boundary,).
        agreement: Share of the resamplings that choose the same number of boundaries.
    """

    low: Array
    high: Array
    spread: Array
    support: Array
    agreement: float


def boundary_uncertainty(
    curves: WeightedCurves,
    solutions: Sequence[Array],
    chosen: int,
    resampled: Array,
    effective: float,
) -> Uncertainty:
    """Repeat the search on resampled curves and compare the boundaries.

    Args:
        curves: The measured curves.
        solutions: Best knots for k = 0, 1, …; each search starts from them.
        chosen: The number of boundaries.
        resampled: Curves (resampling, step, component).
        effective: Number of components with independent noise.

    Returns:
        Intervals, support and agreement.
    """
    target = solutions[chosen]
    positions, matched, same = [], [], []
    for values in resampled:
        again = replace(curves, values=values)
        found = refine_all(again, solutions)
        best = int(np.argmin(information_criterion(again, found, effective)))
        positions.append(found[chosen])
        same.append(best == chosen)
        distance = np.abs(target[:, None] - found[best][None, :])
        matched.append(distance.min(axis=1, initial=np.inf) <= MATCH)
    stack = np.stack(positions)
    low, high = np.quantile(stack, [0.025, 0.975], axis=0)
    return Uncertainty(low, high, stack.std(0, ddof=1), np.mean(matched, 0), float(np.mean(same)))
