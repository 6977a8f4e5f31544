"""A matrix of similarities or interactions between components, checked at the border."""

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.series import Array

ASYMMETRY = 1e-8  # share of the largest weight by which a symmetric matrix may miss symmetry


def check_matrix(matrix: xr.DataArray) -> xr.DataArray:
    """A symmetric matrix of weights between components, in the order (component, other).

    The diagonal says nothing of how components hang together; no score looks at it. It may be NaN,
    and is then set to zero.

    Args:
        matrix: Weights, larger meaning more alike; dims (component, other), both with the same
            names. Weights may be negative.

    Returns:
        A copy in float64.

    Raises:
        InputError: If dims or names are wrong, a weight is not finite, the matrix is not symmetric,
            there are fewer than two components, or no weight between two of them is above zero.

    Example:
        >>> names = ["0:0", "0:1"]
        >>> pair = xr.DataArray([[np.nan, 2], [2, np.nan]], dims=("component", "other"))
        >>> check_matrix(pair.assign_coords(component=names, other=names)).values.tolist()
        [[0.0, 2.0], [2.0, 0.0]]
    """
    if set(matrix.dims) != {"component", "other"}:
        rule = "must have the dims component, other"
        raise InputError("matrix", rule, matrix.dims, "Select one step and rename the dims.")
    ordered = matrix.transpose("component", "other").astype(np.float64)
    _check_names(ordered)
    weights = ordered.to_numpy()
    own = np.eye(len(weights), dtype=bool)
    weights = np.where(own & ~np.isfinite(weights), 0.0, weights)
    if not np.isfinite(weights).all():
        bad = f"{int((~np.isfinite(weights)).sum())} NaN or infinite weights"
        raise InputError("matrix", "must be finite", bad, "Leave those components out.")
    gap = float(np.abs(weights - weights.T).max())
    if gap > ASYMMETRY * float(np.abs(weights).max()):
        remedy = "Average it with its transpose, if both directions mean the same."
        raise InputError("matrix", "must be symmetric", f"weights {gap:.3g} apart", remedy)
    if not (weights[~own] > 0).any():
        rule, remedy = "must have an edge: a weight above zero", "Measure something that couples."
        raise InputError("matrix", rule, "none between two components", remedy)
    return ordered.copy(data=(weights + weights.T) / 2)


def off_diagonal(weights: Array) -> Array:
    """Weights with zeros on the diagonal.

    Example:
        >>> off_diagonal(np.ones((2, 2))).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    return np.where(np.eye(len(weights), dtype=bool), 0.0, weights)


def negative_share(weights: Array) -> float:
    """Share of the absolute weight off the diagonal that is negative.

    Example:
        >>> negative_share(np.array([[9.0, -1.0, 3.0], [-1.0, 9.0, 0.0], [3.0, 0.0, 9.0]]))
        0.25
    """
    pairs = off_diagonal(weights)
    return float(np.maximum(-pairs, 0.0).sum() / np.abs(pairs).sum())


def _check_names(matrix: xr.DataArray) -> None:
    names = [matrix.indexes[d].tolist() if d in matrix.indexes else [] for d in matrix.dims]
    if matrix.sizes["component"] < 2:
        remedy = "Compare more components."
        count = matrix.sizes["component"]
        raise InputError("matrix", "must hold at least 2 components", count, remedy)
    if names[0] != names[1] or not names[0] or len(set(names[0])) != len(names[0]):
        rule = "must name the same components, each once, along component and other"
        raise InputError("matrix", rule, names, "Give both dims the same coordinate.")
