"""Alignment of Gram matrices: normalised Hilbert–Schmidt independence, biased and not.

Sources: Song et al. 2012, "Feature selection via dependence maximization", theorem 2 (unbiased);
Kornblith et al. 2019 (1905.00414) for the normalisation.
"""

from typing import NamedTuple

import numpy as np

from somite.baselines.arrays import Array
from somite.core.errors import InputError

FEWEST = 4  # samples without which the unbiased estimate is not defined


class GramSums(NamedTuple):
    """What the estimates need of the Gram matrices K of components.

    Args:
        traces: tr K_i K_j (component, component).
        rows: K 1 (component, sample).
        diagonals: Diagonal of K (component, sample).
    """

    traces: Array
    rows: Array
    diagonals: Array

    @classmethod
    def of_grams(cls, grams: Array) -> "GramSums":
        """From symmetric matrices (component, sample, sample)."""
        flat = grams.reshape(len(grams), -1)
        return cls(flat @ flat.T, grams.sum(-1), np.diagonal(grams, axis1=-2, axis2=-1))

    @classmethod
    def of_features(cls, features: Array) -> "GramSums":
        """Of K = X Xᵀ from X (component, sample, feature), K itself not formed if it is the larger.

        tr K_i K_j is the sum of squares of X_iᵀ X_j.
        """
        count, samples, width = features.shape
        if width * count >= samples:
            return cls.of_grams(features @ features.transpose(0, 2, 1))
        beside = features.transpose(1, 0, 2).reshape(samples, -1)
        products = (beside.T @ beside).reshape(count, width, count, width)
        rows = np.einsum("isf,if->is", features, features.sum(1))
        return cls((products**2).sum((1, 3)), rows, (features**2).sum(-1))


def unbiased_hsic(sums: GramSums) -> Array:
    r"""Unbiased estimate of the independence criterion of all pairs of Gram matrices.

    With the diagonals set to zero,
    $\frac{1}{n(n-3)} \left[ \mathrm{tr}\,KL + \frac{1^T K 1 \cdot 1^T L 1}{(n-1)(n-2)} -
    \frac{2}{n-2} 1^T K L 1 \right]$.

    Args:
        sums: Of at least 4 samples.

    Returns:
        (component, component).

    Example:
        >>> points = np.arange(5.0)[None, :, None]
        >>> unbiased_hsic(GramSums.of_features(points)).round(3).tolist()
        [[5.167]]
    """
    n = sums.rows.shape[-1]
    rows = sums.rows - sums.diagonals
    total = rows.sum(-1)
    mixed = np.outer(total, total) / ((n - 1) * (n - 2)) - 2 / (n - 2) * rows @ rows.T
    traces = sums.traces - sums.diagonals @ sums.diagonals.T
    found: Array = (traces + mixed) / (n * (n - 3))
    return found


def biased_hsic(sums: GramSums) -> Array:
    """tr(H K H L)/(n − 1)² of all pairs of Gram matrices, H the centering.

    Args:
        sums: Of the Gram matrices.

    Returns:
        (component, component).
    """
    n = sums.rows.shape[-1]
    total = sums.rows.sum(-1)
    centered = sums.traces - 2 / n * sums.rows @ sums.rows.T + np.outer(total, total) / n**2
    found: Array = centered / (n - 1) ** 2
    return found


def alignment(argument: str, sums: GramSums, debiased: bool) -> Array:
    """hsic_ij / √(hsic_ii hsic_jj) of Gram matrices (component, component).

    Raises:
        InputError: If the unbiased estimate of a component with itself is not above zero: too few
            samples, or nothing in it varies.
    """
    found = unbiased_hsic(sums) if debiased else biased_hsic(sums)
    own = np.diagonal(found)
    noise = np.finfo(np.float64).eps * np.diagonal(sums.traces) / sums.rows.shape[-1] ** 2
    if bad := np.flatnonzero(own <= noise).tolist():
        rule = "must have a variance that the samples can tell, for every component"
        raise InputError(argument, rule, f"none at places {bad[:5]}", "Pass more samples.")
    scaled: Array = found / np.sqrt(own[:, None] * own)
    return scaled
