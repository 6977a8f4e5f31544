"""Spectral clustering of a signed graph."""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import polar, qr

from somite.modularity.clustering import Labels, canonical
from somite.modularity.matrix import off_diagonal
from somite.modularity.series import Array


def spectral(weights: Array, counts: Sequence[int], seed: int) -> Labels:
    r"""First k eigenvectors of the normalised signed Laplacian, turned until each is a module.

    $L = I - D^{-1/2} W D^{-1/2}$ with $D$ the row sums of |W| (Kunegis et al. 2010);
    without negative weights that of Ng, Jordan and Weiss 2002. $D^{1/2} 1$ is always the first of
    them, as it is without negative weights: k modules that repel each other span k − 1 directions
    beside it. Labels from column-pivoted QR (Damle et al. 2019), which has no random
    start. scikit-learn's version takes no negative weights and warns of graphs that fall apart, the
    very graphs that are looked for.

    Example:
        >>> spectral(np.kron(np.eye(2), np.ones((2, 2))), [2], 0).tolist()
        [[0, 0, 1, 1]]
    """
    pairs = off_diagonal(weights)
    size = np.abs(pairs).sum(1)
    scale = np.divide(1.0, np.sqrt(size), out=np.zeros_like(size), where=size > 0)
    trivial = np.sqrt(size / size.sum())
    others = np.eye(len(pairs)) - np.outer(trivial, trivial)
    _, vectors = np.linalg.eigh(others @ (scale[:, None] * pairs * scale) @ others)
    ordered = np.column_stack([trivial, vectors[:, ::-1]])
    return np.stack([_cut(ordered[:, :k]) for k in counts])


def _cut(vectors: Array) -> Labels:
    pivots = qr(vectors.T, mode="r", pivoting=True)[1][: vectors.shape[1]]
    # The rotation that brings the most different components nearest to the axes.
    turn, _ = polar(vectors[pivots].T)
    return canonical((vectors @ turn).argmax(1))
