"""Representational similarity analysis.

Source: Kriegeskorte, Mur and Bandettini 2008, "Representational similarity analysis: connecting the
branches of systems neuroscience", Frontiers in Systems Neuroscience 2:4.
"""

import numpy as np
import xarray as xr
from scipy.spatial.distance import pdist
from scipy.stats import rankdata

from somite.baselines.arrays import (
    checked,
    component_names,
    matrix_between,
    require_varying,
)
from somite.core.checks import one_of
from somite.core.errors import InputError

DISTANCES = ("euclidean", "correlation", "cosine")


def rsa(activations: xr.DataArray, distance: str = "euclidean") -> xr.DataArray:
    """Spearman correlation of the distances between samples in two components.

    Args:
        activations: Dims (component, sample[, feature]), at least 4 samples.
        distance: "euclidean", "correlation" (1 − correlation over features, as in the source) or
            "cosine"; the last two need several features.

    Returns:
        Dims (component, other), from −1 to 1. Takes time in component · sample².

    Raises:
        InputError: If the array is no such array, the distance is unknown or not defined for a
            sample, or all distances of a component are equal.

    Example:
        >>> series = xr.DataArray([[1.0, 2, 4, 9], [9.0, 4, 2, 1]], dims=("component", "sample"))
        >>> rsa(series).values.round(3).tolist()
        [[1.0, 0.257], [0.257, 1.0]]
    """
    one_of("distance", distance, DISTANCES)
    array = checked("activations", activations, ("component", "sample", "feature"), 4)
    require_varying("activations", activations, array)
    if distance != "euclidean" and array.shape[-1] < 2:
        remedy = "Use the euclidean distance."
        raise InputError("activations", "must have several features", array.shape[-1], remedy)
    with np.errstate(invalid="ignore", divide="ignore"):
        distances = np.stack([pdist(values, distance) for values in array])
    spread = np.ptp(distances, axis=1)
    if not (np.isfinite(spread).all() and (spread > 0).all()):
        bad = np.flatnonzero(~(np.isfinite(spread) & (spread > 0))).tolist()
        rule = f"must have {distance} distances that are defined and differ"
        remedy = "Use the euclidean distance, or leave such components out."
        raise InputError("activations", rule, f"none at places {bad[:5]}", remedy)
    return matrix_between(np.corrcoef(rankdata(distances, axis=1)), component_names(activations))
