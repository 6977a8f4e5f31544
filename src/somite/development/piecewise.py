"""Continuous piecewise-linear curves with common knots, fitted by weighted least squares."""

from dataclasses import dataclass

import numpy as np

from somite.modularity.series import Array

LEAST_DISTANCE = 2.0  # checkpoints between neighbouring knots, and between a knot and an end


def most_boundaries(n_steps: int) -> int:
    """Largest number of knots that so many checkpoints can carry.

    Every stretch between two knots, or a knot and an end, is at least two checkpoints long.

    Example:
        >>> [most_boundaries(n) for n in (3, 4, 5, 7, 24)]
        [0, 0, 1, 2, 10]
    """
    return max(0, int((n_steps - 1) / LEAST_DISTANCE) - 1)


def hinges(positions: Array, knots: Array) -> Array:
    """Basis 1, x, (x - k₁)₊, …, one column each.

    Example:
        >>> hinges(np.array([0.0, 1.0, 2.0]), np.array([1.0])).tolist()
        [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 2.0, 1.0]]
    """
    lines = np.stack([np.ones_like(positions), positions], 1)
    return np.concatenate([lines, ramps(positions, knots)], 1)


def ramps(positions: Array, knots: Array) -> Array:
    """Columns (x - k)₊, one for each knot."""
    ramp: Array = np.maximum(positions[:, None] - knots[None, :], 0.0)
    return ramp


@dataclass(frozen=True, eq=False)
class WeightedCurves:
    """Curves of all components at the measured checkpoints, with their errors.

    Args:
        positions: log(step + 1) of each checkpoint (step,), increasing.
        values: Curves (step, component).
        errors: Standard errors (step, component).
    """

    positions: Array
    values: Array
    errors: Array

    def fit(self, knots: Array) -> Array:
        """Least-squares curves (step, component) with these knots, weights 1/errors²."""
        basis = hinges(self.positions, knots)
        columns = zip(self.values.T, self.errors.T, strict=True)
        solved = [np.linalg.lstsq(basis / e[:, None], y / e)[0] for y, e in columns]
        fitted: Array = basis @ np.stack(solved, 1)
        return fitted

    def misfit(self, knots: Array) -> float:
        """Weighted residual sum of squares over checkpoints and components."""
        _, residual = self._project(knots)
        return float((residual**2).sum())

    def misfit_with(self, knots: Array, candidates: Array) -> Array:
        """Weighted residual sum of squares with one candidate knot added to `knots`, for each.

        One more knot is one more column h: the sum falls by (r·h̃)²/(h̃·h̃), r the residual and h̃
        the part of h that the other columns do not explain, in each component.
        """
        basis, residual = self._project(knots)
        column = ramps(self.positions, candidates) / self.errors.T[:, :, None]
        new = column - basis @ (basis.transpose(0, 2, 1) @ column)  # (component, step, candidate)
        size = (new**2).sum(1)
        # What is left of a column that the basis already spans is rounding, not a direction.
        usable = size > 1e-12 * (column**2).sum(1)
        overlap = np.einsum("ct,ctk->ck", residual, new)
        gain = np.where(usable, overlap**2 / np.where(usable, size, 1.0), 0.0)
        fallen: Array = (residual**2).sum() - gain.sum(0)
        return fallen

    def _project(self, knots: Array) -> tuple[Array, Array]:
        """Orthonormal basis (component, step, column) and residual (component, step), weighted."""
        weight = 1.0 / self.errors.T
        basis, _ = np.linalg.qr(weight[:, :, None] * hinges(self.positions, knots)[None])
        target = (self.values.T * weight)[:, :, None]
        residual = target - basis @ (basis.transpose(0, 2, 1) @ target)
        return basis, residual[:, :, 0]
