"""Four similarities of units, upstream (what drives them) and downstream (what they drive).

Their partitions barely agree, says the source: keep the two families apart. As there, each is the
absolute value, after division by √(s_ii s_jj) unless told otherwise.

Source: Lange, Rolnick and Körding 2022, "Clustering units in neural networks: upstream vs
downstream information" (TMLR), section 3.
"""

import numpy as np
import xarray as xr

from somite.baselines.arrays import (
    Array,
    checked,
    component_names,
    matrix_between,
    require_active,
    require_varying,
    unit_diagonal,
)
from somite.core.errors import InputError


def forward_covariance(activations: xr.DataArray, normalize: bool = True) -> xr.DataArray:
    """Covariance of activations over samples, averaged over features: |E_f cov(a_if, a_jf)|.

    Args:
        activations: Dims (component, sample[, feature]), at least two samples; features of
            components with several must mean the same for all, as those of heads do.
        normalize: Whether to divide by √(s_ii s_jj).

    Returns:
        Dims (component, other).

    Bad input:
        `InputError` if the array is no such array, or a component is constant.

    Example:
        >>> series = xr.DataArray([[1.0, 2, 3], [3, 2, 1]], dims=("component", "sample"))
        >>> forward_covariance(series).values.round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    array = checked("activations", activations, ("component", "sample", "feature"), 2)
    require_varying("activations", activations, array)
    centered = (array - array.mean(1, keepdims=True)).reshape(len(array), -1)
    return _similarity(centered @ centered.T / centered.shape[1], activations, normalize)


def forward_jacobian(jacobian: xr.DataArray, normalize: bool = True) -> xr.DataArray:
    """Shared sensitivity to inputs: |E ⟨∂h_i/∂x, ∂h_j/∂x⟩|.

    Args:
        jacobian: ∂h/∂x, dims (component, sample, input).
        normalize: Whether to divide by √(s_ii s_jj).

    Returns:
        Dims (component, other).

    Bad input:
        `InputError` if the array is no such array, or a component is dead.

    Example:
        >>> rows = xr.DataArray([[[1.0, 0.0]], [[1.0, 1.0]]], dims=("component", "sample", "input"))
        >>> forward_jacobian(rows).values.round(3).tolist()
        [[1.0, 0.707], [0.707, 1.0]]
    """
    return _jacobian_similarity(jacobian, "input", normalize)


def backward_jacobian(jacobian: xr.DataArray, normalize: bool = True) -> xr.DataArray:
    """Shared effect on outputs: |E ⟨∂y/∂h_i, ∂y/∂h_j⟩|.

    Args:
        jacobian: ∂y/∂h, dims (component, sample, output).
        normalize: Whether to divide by √(s_ii s_jj).

    Returns:
        Dims (component, other).

    Bad input:
        `InputError` if the array is no such array, or a component is dead.

    Example:
        >>> to = xr.DataArray([[[2.0, 0.0]], [[0.0, 1.0]]], dims=("component", "sample", "output"))
        >>> backward_jacobian(to).values.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return _jacobian_similarity(jacobian, "output", normalize)


def backward_hessian(hessian: xr.DataArray, normalize: bool = True) -> xr.DataArray:
    """Interaction in the loss: |E ∂²L/∂h_i∂h_j|.

    A diagonal entry may be negative; its absolute value normalises.

    Args:
        hessian: ∂²L/∂h_i∂h_j of each sample, dims (component, sample, other).
        normalize: Whether to divide by √(|s_ii| |s_jj|).

    Returns:
        Dims (component, other).

    Raises:
        InputError: If the array is no such array, or the mean curvature along a component is zero.

    Example:
        >>> one = xr.DataArray([[[2.0, 1.0]], [[1.0, 2.0]]], dims=("component", "sample", "other"))
        >>> backward_hessian(one).values.round(3).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """
    array = checked("loss_hessian", hessian, ("component", "sample", "other"))
    if array.shape[0] != array.shape[2]:
        rule, remedy = "must be square", "Give the same components along both dims."
        raise InputError("loss_hessian", rule, hessian.sizes, remedy)
    mean: Array = array.mean(1)
    mean = (mean + mean.T) / 2
    require_active("loss_hessian", hessian, np.diagonal(mean)[:, None])
    return _similarity(mean, hessian, normalize)


def _jacobian_similarity(jacobian: xr.DataArray, of: str, normalize: bool) -> xr.DataArray:
    argument = f"{of}_jacobian"
    array = checked(argument, jacobian, ("component", "sample", of))
    require_active(argument, jacobian, array)
    flat = array.reshape(len(array), -1)
    return _similarity(flat @ flat.T / array.shape[1], jacobian, normalize)


def _similarity(array: Array, values: xr.DataArray, normalize: bool) -> xr.DataArray:
    scaled = unit_diagonal(array) if normalize else array
    return matrix_between(np.abs(scaled), component_names(values))
