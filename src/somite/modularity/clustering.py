"""Clustering algorithms: features of components to labels, for several numbers of groups."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import cut_tree, linkage
from sklearn.cluster import KMeans

from somite.modularity.series import Array

Labels = NDArray[np.int64]


class Algorithm(Protocol):
    """Features (component, feature) and numbers of groups to labels (number, component)."""

    def __call__(self, features: Array, counts: Sequence[int], seed: int) -> Labels:
        """Cluster once for every number of groups; `seed` below 2³²."""
        ...


def canonical(labels: Sequence[int] | Labels) -> Labels:
    """Labels renumbered 0, 1, … by first appearance, so that equal partitions have equal labels.

    Example:
        >>> canonical([7, 7, 2, 7, 0]).tolist()
        [0, 0, 1, 0, 2]
    """
    _, first, inverse = np.unique(np.asarray(labels), return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse.reshape(-1)]


def ward(features: Array, counts: Sequence[int], seed: int) -> Labels:
    """Ward's hierarchical clustering with Euclidean distance, cut at each number of groups.

    Example:
        >>> ward(np.array([[0.0], [0.1], [5.0], [9.0]]), [2, 3], 0).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 2]]
    """
    cuts = cut_tree(linkage(features, method="ward"), n_clusters=list(counts))
    return np.stack([canonical(column) for column in cuts.T])


def kmeans(features: Array, counts: Sequence[int], seed: int) -> Labels:
    """K-means with Euclidean distance, best of ten starts, for each number of groups.

    Where fewer rows differ than groups are asked for, there are only as many groups.

    Example:
        >>> kmeans(np.array([[0.0], [0.1], [5.0], [9.0]]), [3], 0).tolist()
        [[0, 0, 1, 2]]
    """
    distinct = len(np.unique(features, axis=0))
    fits = (KMeans(min(k, distinct), n_init=10, random_state=seed).fit(features) for k in counts)
    return np.stack([canonical(fit.labels_) for fit in fits])


ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType({"ward": ward, "kmeans": kmeans})
