"""Spectral clustering of a signed graph."""

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import KMeans

from somite.modularity.clustering import Labels, canonical
from somite.modularity.matrix import off_diagonal
from somite.modularity.series import Array


def spectral(weights: Array, counts: Sequence[int], seed: int) -> Labels:
    r"""K-means on the first k eigenvectors of the normalised signed Laplacian.

    $L = I - D^{-1/2} W D^{-1/2}$ with $D$ the row sums of |W| (Kunegis et al. 2010, equation 12);
    without negative weights the normalised Laplacian of Ng, Jordan and Weiss 2002, whose rows are
    brought to length 1 as there. scikit-learn's own version takes no negative weights and warns of
    graphs that fall apart, the very graphs that are looked for. A component without any edge has a
    row of zeros.

    Example:
        >>> spectral(np.kron(np.eye(2), np.ones((2, 2))), [2], 0).tolist()
        [[0, 0, 1, 1]]
    """
    pairs = off_diagonal(weights)
    size = np.abs(pairs).sum(1)
    scale = np.divide(1.0, np.sqrt(size), out=np.zeros_like(size), where=size > 0)
    _, vectors = np.linalg.eigh(scale[:, None] * pairs * scale)
    return np.stack([_cut(vectors[:, -k:], k, seed) for k in counts])


def _cut(vectors: Array, count: int, seed: int) -> Labels:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9)
    # Rounding would make two equal rows two clusters; what is left of it is far below 1e-9.
    rows = rows.round(9) + 0.0
    distinct = len(np.unique(rows, axis=0))
    fit = KMeans(min(count, distinct), n_init=5, random_state=seed).fit(rows)
    return canonical(fit.labels_)
