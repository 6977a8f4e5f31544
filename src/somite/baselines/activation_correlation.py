"""Correlation of activations, the similarity behind hierarchical clustering of units.

Source: Hod et al. 2021, "Quantifying Local Specialization in Deep Neural Networks" (2110.08058),
graphs from activations; Watanabe 2019 for the hierarchy.
"""

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from somite.baselines.arrays import component_names, matrix_between
from somite.baselines.scalars import scalars


def activation_correlation(
    activations: xr.DataArray, rank: bool = True, way: str = "principal"
) -> xr.DataArray:
    """Absolute correlation of the activations of two components over samples.

        r_ij = |corr(a_i, a_j)|,   of ranks (Spearman) unless told otherwise

    The distance for average linkage is 1 − r. The sign is dropped because that of a unit is
    arbitrary: two units that always do opposite things belong together.

    Args:
        activations: Dims (component, sample[, feature]), at least three samples.
        rank: Whether ranks are correlated (Spearman) or the values (Pearson).
        way: How features become one number, see `scalars`.

    Returns:
        Dims (component, other), between 0 and 1.

    Bad input:
        `InputError` as `scalars` raises it.

    Example:
        >>> series = xr.DataArray([[1.0, 2, 3, 4], [16, 9, 4, 1]], dims=("component", "sample"))
        >>> activation_correlation(series).values.round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    series = scalars(activations, way)
    ranked = rankdata(series, axis=1) if rank else series
    return matrix_between(np.abs(np.corrcoef(ranked)), component_names(activations))
