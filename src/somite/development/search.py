"""Search for the knots that fit all curves best, for every number of knots."""

from collections.abc import Sequence

import numpy as np
import ruptures

from somite.development.piecewise import LEAST_DISTANCE, WeightedCurves
from somite.modularity.series import Array

GRID_POINTS = 40  # of the dynamic programme, whose time grows with their square
LINE_POINTS = 121  # of a line search along the whole axis
ZOOM = 10  # how much finer each polishing line search is


def search_grid(curves: WeightedCurves, largest: int) -> list[Array]:
    """Knots by dynamic programming on an even log-step grid, for 0, 1, …, `largest` of them.

    The curves, in units of their pooled standard error, are interpolated to the grid, since the
    cost of `ruptures.Dynp(model="clinear")` sees only the sample index. Its segments run through
    the first and last sample rather than fitting all of them, so its knots are a start, not the
    answer.
    """
    count = max(GRID_POINTS, 4 * (largest + 1))
    grid = np.linspace(curves.positions[0], curves.positions[-1], count)
    scaled = curves.values / np.sqrt((curves.errors**2).mean(0))
    signal = np.stack([np.interp(grid, curves.positions, y) for y in scaled.T], 1)
    search = ruptures.Dynp(model="clinear", min_size=3, jump=1).fit(signal)
    found = [grid[np.array(search.predict(k)[:-1]) - 1] for k in range(1, largest + 1)]
    search.seg.cache_clear()  # the cache belongs to the class and would keep the signal alive
    return [np.empty(0), *(spread_out(knots, curves.positions) for knots in found)]


def refine_all(curves: WeightedCurves, starts: Sequence[Array]) -> list[Array]:
    """Best knots for 0, 1, … of them, from the given start or the last answer and one more."""
    best: list[Array] = [np.empty(0)]
    for start in starts[1:]:
        options = [start, *_one_more(curves, best[-1])]
        best.append(min((descend(curves, option) for option in options), key=curves.misfit))
    return best


def descend(curves: WeightedCurves, knots: Array) -> Array:
    """Knots moved one at a time to where the weighted residual sum of squares is least.

    Line searches over the whole room between a knot's neighbours, until none moves, then twice with
    ten times smaller steps around each knot: the positions are continuous in log-step.
    """
    span = float(curves.positions[-1] - curves.positions[0])
    spacing = span / (LINE_POINTS - 1)
    knots = _sweeps(curves, knots, spacing, span)
    for _ in range(2):
        knots = _sweeps(curves, knots, spacing / ZOOM, spacing)
        spacing /= ZOOM
    return knots


def spread_out(knots: Array, positions: Array) -> Array:
    """Knots moved as little as needed to keep `LEAST_DISTANCE` from each other and from the ends.

    Example:
        >>> spread_out(np.array([0.1, 3.0]), np.arange(7.0))
        array([2., 4.])
    """
    index = np.interp(knots, positions, np.arange(len(positions)))
    least = LEAST_DISTANCE * np.arange(1, len(knots) + 1)
    index = np.maximum.accumulate(np.maximum(index - least, 0.0)) + least
    most = len(positions) - 1 - least[::-1]
    index = np.minimum.accumulate(np.minimum(index - most, 0.0)[::-1])[::-1] + most
    spread: Array = np.interp(index, np.arange(len(positions)), positions)
    return spread


def _sweeps(curves: WeightedCurves, knots: Array, spacing: float, reach: float) -> Array:
    knots, misfit = knots.copy(), curves.misfit(knots)
    for _ in range(20):
        for i in range(len(knots)):
            others = np.delete(knots, i)
            low, high = _room(curves.positions, others, i)
            low, high = max(low, knots[i] - reach), min(high, knots[i] + reach)
            steps = np.arange(low, high, spacing)
            candidates = np.concatenate([[knots[i]], steps, [high]])
            knots[i] = candidates[np.argmin(curves.misfit_with(others, candidates))]
        previous, misfit = misfit, curves.misfit(knots)
        if not misfit < previous * (1 - 1e-6):
            break
    return knots


def _room(positions: Array, others: Array, place: int) -> tuple[float, float]:
    """Interval in which a knot may lie between others[place - 1] and others[place]."""
    count = np.arange(len(positions), dtype=np.float64)
    bounds = np.concatenate([positions[:1], others, positions[-1:]])[place : place + 2]
    low, high = np.interp(bounds, positions, count) + np.array([LEAST_DISTANCE, -LEAST_DISTANCE])
    room = np.interp([low, max(low, high)], count, positions)
    return float(room[0]), float(room[1])


def _one_more(curves: WeightedCurves, knots: Array) -> list[Array]:
    """The knots with the best further one, where there is room for it."""
    grid = np.linspace(curves.positions[0], curves.positions[-1], LINE_POINTS)
    index = np.interp(grid, curves.positions, np.arange(len(curves.positions)))
    taken = np.concatenate([curves.positions[:1], knots, curves.positions[-1:]])
    taken_index = np.interp(taken, curves.positions, np.arange(len(curves.positions)))
    free = grid[(np.abs(index[:, None] - taken_index) >= LEAST_DISTANCE).all(1)]
    if free.size == 0:
        return []
    added = free[np.argmin(curves.misfit_with(knots, free))]
    return [np.sort(np.append(knots, added))]
