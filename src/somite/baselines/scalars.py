"""One number for each component and sample, for methods that compare series."""

import numpy as np
import xarray as xr

from somite.baselines.arrays import Array, checked, require_varying
from somite.core.checks import one_of

WAYS = ("principal", "norm")


def scalars(activations: xr.DataArray, way: str = "principal", least: int = 3) -> Array:
    """Activations of components brought to one number each.

    "principal": the projection on the first principal component of the component's own features,
    with the sign that makes its largest loading positive; a component of one feature is left as it
    is. "norm": the Euclidean norm over features, for one feature the absolute value.

    Args:
        activations: Dims (component, sample[, feature]).
        way: "principal" or "norm".
        least: Fewest samples.

    Returns:
        (component, sample), float64.

    Bad input:
        `InputError` if the way is unknown, the activations are no such array, or the numbers of a
        component do not vary.

    Example:
        >>> line = xr.DataArray([[[1.0], [2.0], [4.0]], [[0.0], [-3.0], [5.0]]])
        >>> scalars(line.rename(dim_0="component", dim_1="sample", dim_2="feature"), "norm")
        array([[1., 2., 4.],
               [0., 3., 5.]])
    """
    one_of("way", way, WAYS)
    array = checked("activations", activations, ("component", "sample", "feature"), least)
    require_varying("activations", activations, array)
    if way == "norm":
        found: Array = np.linalg.norm(array, axis=-1)
        require_varying("norms of activations", activations, found)
        return found
    if array.shape[-1] == 1:
        return array[..., 0]
    return np.stack([_principal(values - values.mean(0)) for values in array])


def _principal(centered: Array) -> Array:
    """Projection of centered features (sample, feature) on their first principal component."""
    loading = np.linalg.svd(centered, full_matrices=False)[2][0]
    projected: Array = centered @ (loading * np.sign(loading[np.abs(loading).argmax()]))
    return projected
