"""HDBSCAN: modules as dense regions, and components that belong to none."""

from collections.abc import Sequence

import numpy as np
from sklearn.cluster import HDBSCAN

from somite.modularity.clustering import Labels, canonical
from somite.modularity.matrix import off_diagonal
from somite.modularity.series import Array


def hdbscan(weights: Array, counts: Sequence[int], seed: int) -> Labels:
    """HDBSCAN with the distance (largest weight − weight); it chooses the number of modules.

    Campello, Moulavi and Sander 2013, by scikit-learn, once for each least size of a module from 2
    to half the components. Components that it leaves out as noise are modules of their own; fewer
    than three components are not clustered.

    Example:
        >>> hdbscan(np.kron(np.eye(2), np.ones((3, 3))), [], 0).tolist()
        [[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]]
    """
    pairs = off_diagonal(weights)
    if len(pairs) < 3:
        return np.arange(len(pairs))[None]
    largest = pairs[~np.eye(len(pairs), dtype=bool)].max()
    distance = np.where(np.eye(len(pairs), dtype=bool), 0.0, largest - pairs)
    sizes = range(2, max(2, len(pairs) // 2) + 1)
    return np.stack([_cut(distance, size) for size in sizes])


def _cut(distance: Array, smallest: int) -> Labels:
    method = HDBSCAN(smallest, min_samples=1, metric="precomputed", copy=True)
    labels = method.fit(distance).labels_
    own = len(labels) + np.arange(len(labels))
    return canonical(np.where(labels < 0, own, labels))
