"""Posteriors in one or two dimensions, integrated on a grid: truth at a finite temperature.

    p(w) ∝ exp(−n_beta (L(w) − L(w*)) − localization/2 ‖w − w*‖²)

The grid is w = w* + s·sinh(t), t evenly spaced: fine near the center, where singular posteriors
are narrow, and coarse in their tails. The trapezoidal rule in t converges faster than any power
of the spacing for a smooth loss, once the spacing resolves it.
"""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somite.core.checks import at_least, not_negative, positive
from somite.core.errors import InputError

Array = NDArray[np.float64]
GridLoss = Callable[[Array], Array]

STRETCH = 1000.0
"""Half-width over the scale s of the grid."""
DECAYED = 80.0
"""The automatic box ends where the prior alone is exp(−40) of its peak."""
EDGE_DENSITY = 1e-8
MOST_POINTS = 2**22


@dataclass(frozen=True)
class Quadrature:
    """Exact numbers of one local posterior, K = L(w) − L(w*).

    Args:
        llc: n_beta · E[K].
        loss_variance: n_beta² · Var[K], equal to llc − d llc / d log n_beta.
        second_moments: E(w_i − w*_i)² of each weight (d,).
    """

    llc: float
    loss_variance: float
    second_moments: tuple[float, ...]

    @property
    def second_moment(self) -> float:
        """E‖w − w*‖²."""
        return sum(self.second_moments)


def quadrature_llc(
    loss: GridLoss,
    n_beta: float,
    localization: float,
    center: Sequence[float],
    *,
    half_width: float | None = None,
    points: int = 201,
    tolerance: float = 1e-6,
) -> Quadrature:
    """Exact local learning coefficient of a loss of one or two weights, by quadrature.

    The number of points along each axis is doubled until all numbers stand still. A mode
    that is far away and narrower than the first two grids is not seen.

    Args:
        loss: Maps weights (…, d) to losses (…), d = 1 or 2; vectorised NumPy.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center.
        center: w* (d,).
        half_width: Half the side of the box around the center. If left out, the box ends where
            the prior has decayed to exp(−40), which needs localization > 0.
        points: Points along each axis of the first grid, an odd number.
        tolerance: Largest relative change at the last doubling.

    Returns:
        The coefficient, the variance of the loss and the second moment.

    Raises:
        InputError: If a setting breaks its rule, the loss is not finite or has the wrong shape,
            the box cuts off mass, or the grid cannot resolve the loss.

    Source: the definition of the local learning coefficient, Lau et al. (2308.12108).

    Example:
        A quartic has λ = 1/4 at every temperature.

        >>> quartic = quadrature_llc(lambda w: w[..., 0] ** 4, 100.0, 0.0, [0.0], half_width=3.0)
        >>> round(quartic.llc, 9)
        0.25
    """
    middle = np.asarray(center, dtype=np.float64)
    width = _check_box(middle, n_beta, localization, half_width)
    at_least("points", points, 11, "Start with 201 points along an axis.")
    positive("tolerance", tolerance)
    before: Quadrature | None = None
    count = points + 1 - points % 2
    while count**middle.size <= MOST_POINTS:
        found = _on_grid(loss, n_beta, localization, middle, width, count)
        if before is not None and _stands_still(before, found, tolerance):
            return found
        before, count = found, 2 * count - 1
    remedy = "Narrow the box with half_width, lower n_beta or raise the tolerance."
    raise InputError("loss", "must be resolved by the grid", f"{before} at the end", remedy)


def _check_box(
    center: Array, n_beta: float, localization: float, half_width: float | None
) -> float:
    not_negative("n_beta", n_beta)
    not_negative("localization", localization)
    if center.shape not in ((1,), (2,)) or not np.isfinite(center).all():
        rule = "must hold one or two finite numbers"
        raise InputError("center", rule, center.tolist(), "Use a sampler in more dimensions.")
    if half_width is not None:
        return positive("half_width", half_width)
    if localization == 0:
        rule = "must be given when localization is zero"
        raise InputError("half_width", rule, None, "Give half the side of a box around the mass.")
    return math.sqrt(DECAYED / localization)


def _on_grid(
    loss: GridLoss, n_beta: float, localization: float, center: Array, width: float, count: int
) -> Quadrature:
    t = np.linspace(-1.0, 1.0, count) * math.asinh(STRETCH)
    axis = width / STRETCH * np.sinh(t)
    offset = np.stack(np.meshgrid(*[axis] * center.size, indexing="ij"), axis=-1)
    excess = _excess(loss, center, offset)
    squared = offset**2
    log_density = -n_beta * excess - localization / 2 * squared.sum(-1)
    log_density -= log_density.max()
    _check_edges(log_density, width)
    measure = math.prod(np.meshgrid(*[np.cosh(t)] * center.size, indexing="ij"))
    weight = np.exp(log_density) * measure
    weight /= weight.sum()
    mean = float((weight * excess).sum())
    variance = float((weight * (excess - mean) ** 2).sum())
    moments = (weight[..., None] * squared).reshape(-1, center.size).sum(0)
    return Quadrature(n_beta * mean, n_beta**2 * variance, tuple(moments.tolist()))


def _excess(loss: GridLoss, center: Array, offset: Array) -> Array:
    """Loss above that at the center, on the grid.

    Raises:
        InputError: If the loss has the wrong shape or is not finite.
    """
    found = np.asarray(loss(center + offset), dtype=np.float64)
    rule = "must map weights (…, d) to finite losses (…)"
    remedy = "Write it with NumPy on w[..., i]."
    if found.shape != offset.shape[:-1]:
        raise InputError("loss", rule, f"{found.shape} from {offset.shape}", remedy)
    excess = found - np.asarray(loss(center), dtype=np.float64)
    if not np.isfinite(excess).all():
        raise InputError("loss", rule, "NaN or infinity", remedy)
    return np.asarray(excess)


def _check_edges(log_density: Array, width: float) -> None:
    faces = itertools.product(range(log_density.ndim), (0, -1))
    edge = math.exp(max(log_density.take(end, axis=axis).max() for axis, end in faces))
    if edge > EDGE_DENSITY:
        rule = f"must hold the mass: density at the edge at most {EDGE_DENSITY} of the peak"
        remedy = "Widen it, or raise localization if the posterior does not decay."
        raise InputError("half_width", rule, f"{width} with {edge:.2g} at the edge", remedy)


def _stands_still(before: Quadrature, now: Quadrature, tolerance: float) -> bool:
    pairs = (
        (before.llc, now.llc),
        (before.loss_variance, now.loss_variance),
        *zip(before.second_moments, now.second_moments, strict=True),
    )
    return all(math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12) for a, b in pairs)
