"""Alignment of Gram matrices: normalised Hilbert–Schmidt independence, biased and not.

Sources: Song et al. 2012, "Feature selection via dependence maximization", theorem 2 (unbiased);
Kornblith et al. 2019 (1905.00414) for the normalisation.
"""

import numpy as np

from somite.baselines.arrays import Array
from somite.core.errors import InputError

FEWEST = 4  # samples without which the unbiased estimate is not defined


def unbiased_hsic(grams: Array) -> Array:
    r"""Unbiased estimate of the independence criterion of all pairs of Gram matrices.

    With the diagonals set to zero,
    $\frac{1}{n(n-3)} \left[ \mathrm{tr}\,KL + \frac{1^T K 1 \cdot 1^T L 1}{(n-1)(n-2)} -
    \frac{2}{n-2} 1^T K L 1 \right]$.

    Args:
        grams: (component, sample, sample), symmetric, at least 4 samples.

    Returns:
        (component, component).

    Example:
        >>> points = np.arange(5.0)
        >>> gram = np.outer(points, points)
        >>> unbiased_hsic(gram[None]).round(3).tolist()
        [[5.167]]
    """
    n = grams.shape[-1]
    hollow = grams * (1 - np.eye(n))
    rows, total = hollow.sum(-1), hollow.sum((-1, -2))
    flat = hollow.reshape(len(grams), -1)
    mixed = np.outer(total, total) / ((n - 1) * (n - 2)) - 2 / (n - 2) * rows @ rows.T
    found: Array = (flat @ flat.T + mixed) / (n * (n - 3))
    return found


def biased_hsic(grams: Array) -> Array:
    """tr(H K H L)/(n − 1)² of all pairs of Gram matrices, H the centering.

    Args:
        grams: (component, sample, sample), symmetric.

    Returns:
        (component, component).
    """
    inner = grams - grams.mean(-1, keepdims=True)
    flat = (inner - inner.mean(-2, keepdims=True)).reshape(len(grams), -1)
    found: Array = flat @ flat.T / (grams.shape[-1] - 1) ** 2
    return found


def alignment(argument: str, grams: Array, debiased: bool) -> Array:
    """hsic_ij / √(hsic_ii hsic_jj) of Gram matrices (component, component).

    Raises:
        InputError: If the unbiased estimate of a component with itself is not above zero: too few
            samples, or nothing in it varies.
    """
    found = unbiased_hsic(grams) if debiased else biased_hsic(grams)
    own = np.diagonal(found)
    noise = np.finfo(np.float64).eps * (grams**2).mean((-1, -2))
    if bad := np.flatnonzero(own <= noise).tolist():
        rule = "must have a variance that the samples can tell, for every component"
        raise InputError(argument, rule, f"none at places {bad[:5]}", "Pass more samples.")
    scaled: Array = found / np.sqrt(own[:, None] * own)
    return scaled
