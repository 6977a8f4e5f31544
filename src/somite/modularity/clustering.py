"""Clustering algorithms: features of components to labels, for several numbers of groups."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import linkage
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
    return cuts(linkage(features, method="ward"), counts)


def cuts(tree: Array, counts: Sequence[int]) -> Labels:
    """Labels (number, component) of a hierarchical tree, cut at each number of groups.

    The first merges are made, in the tree's order, until so many groups are left. SciPy's
    `cut_tree` is much slower, and a search on null matrices cuts thousands of trees.

    Example:
        >>> cuts(linkage(np.array([[0.0], [0.1], [5.0]]), method="ward"), [2, 1]).tolist()
        [[0, 0, 1], [0, 0, 0]]
    """
    size = len(tree) + 1
    labels = np.arange(size)
    stages = {size: canonical(labels)}
    for merge, (first, second) in enumerate(tree[:, :2]):
        labels = np.where((labels == first) | (labels == second), size + merge, labels)
        if size - merge - 1 in counts:
            stages[size - merge - 1] = canonical(labels)
    return np.stack([stages[count] for count in counts])


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
