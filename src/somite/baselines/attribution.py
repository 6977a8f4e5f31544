"""Gradient co-activation: components that matter to the loss on the same examples.

Source: Nanda 2023, "Attribution patching"; Syed et al. 2023 (2310.10348), equation 3, with a zero
baseline.
"""

import numpy as np
import xarray as xr

from somite.baselines.arrays import (
    checked,
    component_names,
    matrix_between,
    require_active,
    require_varying,
)
from somite.core.errors import InputError


def attributions(activations: xr.DataArray, gradients: xr.DataArray) -> xr.DataArray:
    """What each component's output is worth on each example, to first order.

        attribution_C(x) = Σ_positions Σ_features a_C · ∂L(x)/∂a_C

    Minus this is about what the loss of x changes by when the component puts out zero.

    Args:
        activations: Dims (component, sample[, feature]); where the samples have a coordinate
            "row", those of one row are added up.
        gradients: ∂L/∂a, of the same shape.

    Returns:
        Dims (component, example).

    Raises:
        InputError: If the arrays are no such arrays or differ in shape.

    Example:
        >>> ones = xr.DataArray(np.ones((2, 3)), dims=("component", "sample"))
        >>> attributions(ones, 2 * ones).values.tolist()
        [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]
    """
    dims = ("component", "sample", "feature")
    outputs = checked("activations", activations, dims)
    slopes = checked("gradients", gradients, dims)
    if outputs.shape != slopes.shape:
        rule = f"must have the shape {outputs.shape} of the activations"
        raise InputError("gradients", rule, slopes.shape, "Take both from one pass.")
    each = (outputs * slopes).sum(-1)
    if "row" in activations.coords:
        row = activations.coords["row"].to_numpy()
        each = np.stack([each[:, row == r].sum(1) for r in np.unique(row)], axis=1)
    coords = {"component": component_names(activations)}
    return xr.DataArray(each, coords, ("component", "example"))


def attribution_correlation(worth: xr.DataArray) -> xr.DataArray:
    """Pearson correlation of attributions over examples.

    Args:
        worth: Attributions, dims (component, example), at least three examples.

    Returns:
        Dims (component, other), from −1 to 1; below 0 where one component matters when the other
        does not.

    Bad input:
        `InputError` if the array is no such array, or a component is constant or without effect.

    Example:
        >>> worth = xr.DataArray([[1.0, 0, 2], [2.0, 0, 4]], dims=("component", "example"))
        >>> attribution_correlation(worth).values.round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    array = checked("attributions", worth, ("component", "example"), 3)
    require_active("attributions", worth, array)
    require_varying("attributions", worth, array)
    correlation = np.asarray(np.corrcoef(array))
    return matrix_between(correlation, component_names(worth))
