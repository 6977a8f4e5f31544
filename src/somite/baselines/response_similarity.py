"""Response similarity: components that answer alike to changes of the data.

Source: Structural inference (2504.18274), whose response matrix this compares by its columns.
"""

import numpy as np
import xarray as xr

from somite.baselines.arrays import checked, component_names, matrix_between, require_varying


def response_similarity(susceptibilities: xr.DataArray) -> xr.DataArray:
    """Pearson correlation of the susceptibilities of components over examples.

        r_AB = corr over examples i of χ_Ai, χ_Bi

    A correlation does not ask for the unit of χ, which differs between components, nor for what all
    examples have in common, the answer to the reference itself.

    Args:
        susceptibilities: χ, dims (component, example), at least three examples, tokens or probes
            stacked to examples; see `somite.susceptibility`.

    Returns:
        Dims (component, other), from −1 to 1.

    Bad input:
        `InputError` if the array is no such array, or a component answers to all examples alike.

    Example:
        >>> answers = xr.DataArray([[1.0, 0, 2], [0.0, 2, -2]], dims=("component", "example"))
        >>> response_similarity(answers).values.round(3).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    array = checked("susceptibilities", susceptibilities, ("component", "example"), 3)
    require_varying("susceptibilities", susceptibilities, array)
    return matrix_between(np.asarray(np.corrcoef(array)), component_names(susceptibilities))
