"""How two quantities go together over checkpoints or components: ranks, a line, intervals."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from scipy.stats import rankdata

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed

FEWEST = 5
ALIKE = 0.98
"""Rank correlation of what is held fixed with x or y from which on too little is left."""
REPEATS = 1000


@dataclass(frozen=True)
class Relation:
    """Rank correlation and straight line of y against x, with 95 % intervals.

    Intervals come from resampled points. They say how much the result hangs on which points were
    measured. Neighbouring checkpoints of one run are not independent of each other: another run may
    differ by more than the interval, which only runs of other seeds can tell.

    Args:
        rank: Spearman's ρ, of ranks from which those of `given` were taken where there are any.
        rank_low: Lower end.
        rank_high: Upper end.
        slope: Of the least-squares line y = intercept + slope · x.
        intercept: Of that line.
        r_squared: Share of the variance of y that the line explains.
        r_squared_low: Lower end.
        r_squared_high: Upper end.
        points: How many there are.
    """

    rank: float
    rank_low: float
    rank_high: float
    slope: float
    intercept: float
    r_squared: float
    r_squared_low: float
    r_squared_high: float
    points: int


def relation(
    x: np.ndarray,
    y: np.ndarray,
    given: np.ndarray | None = None,
    seed: int = 0,
    repeats: int = REPEATS,
) -> Relation:
    """Relation of two quantities; points where one is not finite are left out.

        ρ = correlation of ranks;  given z:  (ρ_xy − ρ_xz ρ_yz) / √((1 − ρ_xz²)(1 − ρ_yz²))

    Args:
        x: One (point,).
        y: The other (point,).
        given: What is held fixed in the ranks (point,); the line is without it.
        seed: Of the resampling.
        repeats: Draws, at least 2; those without spread in a quantity are drawn again.

    Raises:
        InputError: If lengths differ, fewer than 5 points are left, one does not vary, or `given`
            has nearly the order of x or of y (|ρ| of 0.98 or more): little is left then, and it
            hangs on a few points.

    Example:
        >>> x = np.arange(8.0)
        >>> found = relation(x, x**2)
        >>> found.rank, round(found.slope, 3), round(found.r_squared, 3)
        (1.0, 7.0, 0.925)
    """
    table = np.stack(_checked(x, y, given))
    at_least("repeats", repeats, 2)
    own = _numbers(table)
    if given is not None:
        alike = float(np.abs(np.corrcoef(rankdata(table, axis=1))[2, :2]).max())
        if alike >= ALIKE:
            remedy = "Leave it out: too little is left where it is held fixed."
            raise InputError("given", "must not order points as x or y do", f"|ρ| {alike:.2f}",
                             remedy)  # fmt: skip
    generator = np.random.default_rng(stream_seed("relation", seed))
    drawn = np.empty((0, len(own)))
    while len(drawn) < repeats:
        chosen = generator.integers(table.shape[1], size=(repeats, table.shape[1]))
        numbers = _numbers(table[:, chosen].swapaxes(0, 1))
        drawn = np.concatenate([drawn, numbers[np.isfinite(numbers).all(1)]])[:repeats]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0).tolist()
    rank, slope, intercept, squared = own.tolist()
    return Relation(rank, low[0], high[0], slope, intercept, squared, low[3], high[3],
                    table.shape[1])  # fmt: skip


def _checked(x: np.ndarray, y: np.ndarray, given: np.ndarray | None) -> list[np.ndarray]:
    """The quantities at the points where all are finite.

    Raises:
        InputError: See `relation`.
    """
    parts = {"x": x, "y": y} | ({} if given is None else {"given": given})
    named = {name: np.asarray(values, float) for name, values in parts.items()}
    lengths = {name: values.shape for name, values in named.items()}
    if len(set(lengths.values())) > 1 or len(lengths["x"]) != 1:
        raise InputError("x, y, given", "must be vectors of one length", lengths, "Align them.")
    whole = np.all([np.isfinite(values) for values in named.values()], axis=0)
    if whole.sum() < FEWEST:
        rule = f"must have {FEWEST} finite points in common"
        raise InputError("x and y", rule, int(whole.sum()), "Measure more of them.")
    kept = {name: values[whole] for name, values in named.items()}
    for name, values in kept.items():
        if not np.ptp(values):
            raise InputError(name, "must vary", float(values[0]), "Leave it out.")
    return list(kept.values())


def _numbers(table: np.ndarray) -> np.ndarray:
    """Rank correlation, slope, intercept, R² (..., 4) of x, y and what is given (..., 3, point).

    NaN where a quantity does not vary, or nothing is left where the third is held fixed.
    """
    ranks = _covariances(rankdata(table, axis=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = _correlation(ranks, 0, 1)
        if table.shape[-2] == 3:
            first, second = _correlation(ranks, 0, 2), _correlation(ranks, 1, 2)
            spread = (1 - first**2) * (1 - second**2)
            rho = (rho - first * second) / np.sqrt(np.where(spread > 1e-12, spread, np.nan))
        plain = _covariances(table)
        slope = plain[..., 0, 1] / plain[..., 0, 0]
        squared = slope * plain[..., 0, 1] / plain[..., 1, 1]
    means = table.mean(-1)
    return np.stack([rho, slope, means[..., 1] - slope * means[..., 0], squared], -1)


def _covariances(table: np.ndarray) -> np.ndarray:
    centered = table - table.mean(-1, keepdims=True)
    products: np.ndarray = np.einsum("...ip,...jp->...ij", centered, centered)
    return products


def _correlation(covariances: np.ndarray, i: int, j: int) -> np.ndarray:
    own: np.ndarray = covariances[..., i, i] * covariances[..., j, j]
    return np.asarray(covariances[..., i, j] / np.sqrt(own))


NUMBERS = tuple(field.name for field in fields(Relation))


def related(x: np.ndarray, y: np.ndarray, given: np.ndarray | None = None) -> dict[str, Any]:
    """The numbers of a relation and an empty remark; without one NaN, and the remark says why.

    Args:
        x: As of `relation`.
        y: As of `relation`.
        given: As of `relation`.

    Example:
        >>> related(np.zeros(5), np.arange(5.0))["remark"] > ""
        True
    """
    try:
        found = asdict(relation(x, y, given))
    except InputError as error:
        nothing = dict.fromkeys(NUMBERS, math.nan)
        return nothing | {"remark": f"{error.argument} {error.rule}, got {error.value}"}
    return {name: float(value) for name, value in found.items()} | {"remark": ""}
