"""What the methods read and return: arrays checked at the border, matrices with their names."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somite.core.errors import InputError

Array = NDArray[np.float64]


def checked(argument: str, values: xr.DataArray, dims: tuple[str, ...], least: int = 1) -> Array:
    """Values of components over samples, in the order of `dims`.

    Args:
        argument: What the values are.
        values: Dims as in `dims`, in any order; a last dim "feature" may be missing.
        dims: First "component", then the dim of the samples.
        least: Fewest samples.

    Returns:
        The values in float64, one axis for each of `dims`.

    Raises:
        InputError: If dims are wrong, there are fewer than two components or too few samples, names
            repeat, or a value is not finite.
    """
    if dims[-1] == "feature" and "feature" not in values.dims:
        values = values.expand_dims("feature", -1)
    if set(values.dims) != set(dims):
        rule = f"must have the dims {', '.join(dims)}"
        raise InputError(argument, rule, values.dims, "Rename the dims or select along the others.")
    names = component_names(values)
    if len(names) < 2 or len(set(names)) < len(names):
        rule = "must hold at least two components, each once"
        raise InputError(argument, rule, names, "Choose more components, with different names.")
    if (found := values.sizes[dims[1]]) < least:
        rule = f"must hold at least {least} of {dims[1]}"
        raise InputError(argument, rule, found, "Pass more data.")
    array: Array = values.transpose(*dims).to_numpy().astype(np.float64)
    if bad := int((~np.isfinite(array)).sum()):
        rule = "must be finite"
        raise InputError(argument, rule, f"{bad} NaN or infinite values", "Check the model.")
    return array


def component_names(values: xr.DataArray | xr.Dataset) -> list[str]:
    """Names of the components; their places where they have none."""
    if "component" in values.coords:
        return [str(name) for name in values.coords["component"].to_numpy()]
    return [str(place) for place in range(values.sizes["component"])]


def require_varying(argument: str, values: xr.DataArray, array: Array) -> None:
    """Require that every component differs between samples.

    Raises:
        InputError: If one does not; it is named.
    """
    _refuse(argument, "must vary over samples for every component", values, np.ptp(array, axis=1))


def require_active(argument: str, values: xr.DataArray, array: Array) -> None:
    """Require that every component has an entry other than zero.

    Raises:
        InputError: If one has none; it is named.
    """
    _refuse(argument, "must not be zero everywhere for any component", values, np.abs(array))


def _refuse(argument: str, rule: str, values: xr.DataArray, size: Array) -> None:
    """Refuse components whose sizes (component, …) are all zero.

    Raises:
        InputError: If there is one.
    """
    rows = zip(component_names(values), size, strict=True)
    if names := [name for name, row in rows if not (row > 0).any()]:
        raise InputError(
            argument,
            rule,
            f"none for {', '.join(names[:5])}",
            "Leave them out, see `without_silent`.",
        )


def matrix_between(array: Array, names: list[str]) -> xr.DataArray:
    """A matrix between components: the mean of an array (component, other) and its transpose.

    Example:
        >>> matrix_between(np.array([[1.0, 0.2], [0.4, 1.0]]), ["a", "b"]).sel(component="a").values
        array([1. , 0.3])
    """
    coords = {"component": names, "other": names}
    return xr.DataArray((array + array.T) / 2, coords, ("component", "other"))


def unit_diagonal(array: Array) -> Array:
    """An array a_ij over √(|a_ii| |a_jj|).

    Example:
        >>> unit_diagonal(np.array([[4.0, 1.0], [1.0, 1.0]])).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """
    scale = np.sqrt(np.abs(np.diagonal(array)))
    normal: Array = array / scale[:, None] / scale
    return normal
