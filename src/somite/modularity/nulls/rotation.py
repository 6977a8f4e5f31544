"""Random rotations: matrices with the same spectrum, for correlations and other Gram matrices."""

import numpy as np
from scipy.stats import ortho_group

from somite.modularity.clustering import Labels
from somite.modularity.series import Array


def rotated(weights: Array, strata: Labels, count: int, generator: np.random.Generator) -> Array:
    r"""The part of the matrix with zero row sums, turned by random rotations; the rest is kept.

    With $P = I - 11^T/n$: $W - PWP + R\,PWP\,R^T$, R a random rotation of the space orthogonal to
    $1$. Spectrum of the centred part and row sums, diagonal included, are kept. Exact where the
    distribution of W does not change under such rotations, as that of a covariance of independent,
    equally loud features does: correlations of anything are alike in threes, and a null that
    ignores that finds modules in noise. The diagonal is read: leave the correlations' ones there.
    Strata are not kept.

    Example:
        >>> weights = np.array([[1.0, 0.4, 0.1], [0.4, 1.0, 0.1], [0.1, 0.1, 1.0]])
        >>> null = rotated(weights, np.zeros(3, int), 2, np.random.default_rng(0))
        >>> bool(np.allclose(null.sum(2), weights.sum(1)))
        True
    """
    size = len(weights)
    basis = np.linalg.svd(np.ones((1, size)))[2][1:]  # rows: orthogonal to the constant
    core = basis @ weights @ basis.T
    rest = weights - basis.T @ core @ basis
    if size == 2:
        return np.tile(weights, (count, 1, 1))
    turns = ortho_group.rvs(size - 1, size=count, random_state=generator).reshape(
        count, size - 1, size - 1
    )
    result: Array = rest + basis.T @ (turns @ core @ turns.transpose(0, 2, 1)) @ basis
    return result
