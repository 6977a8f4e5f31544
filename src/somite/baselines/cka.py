"""Centered kernel alignment of the outputs of components.

Source: Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited"
(1905.00414), equation 2; debiased as in Nguyen et al. 2021 (2010.15327), equation 3.
"""

import xarray as xr

from somite.baselines.arrays import checked, component_names, matrix_between, require_varying
from somite.baselines.hsic import FEWEST, GramSums, alignment


def cka(activations: xr.DataArray, debiased: bool = True) -> xr.DataArray:
    r"""Linear CKA: do two components arrange the samples alike?

    $\mathrm{HSIC}(K_i, K_j) / \sqrt{\mathrm{HSIC}(K_i, K_i)\,\mathrm{HSIC}(K_j, K_j)}$ with
    K = X Xᵀ over the samples. It does not change when features are rotated or scaled together.
    The biased estimate goes to 1 for unrelated components of many more features than samples; the
    debiased one stays around 0 there, and can be slightly below 0 or above 1.

    Args:
        activations: Dims (component, sample[, feature]), at least 4 samples.
        debiased: Whether to use the unbiased estimate of each HSIC.

    Returns:
        Dims (component, other), 1 on the diagonal. Keeps component · sample · min(sample,
        component · feature) numbers in memory.

    Bad input:
        `InputError` if the array is no such array, or a component is constant or has too little
        variance for its samples.

    Example:
        >>> series = xr.DataArray([[1.0, 2, 3, 5], [2.0, 4, 6, 10]], dims=("component", "sample"))
        >>> cka(series).values.round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    array = checked("activations", activations, ("component", "sample", "feature"), FEWEST)
    require_varying("activations", activations, array)
    centered = array - array.mean(1, keepdims=True)
    sums = GramSums.of_features(centered)
    return matrix_between(alignment("activations", sums, debiased), component_names(activations))
