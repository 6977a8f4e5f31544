"""Hierarchical clustering of a graph: average linkage, and Ward's on its rows."""

from collections.abc import Sequence

import numpy as np
from scipy.cluster.hierarchy import linkage

from somite.modularity.clustering import Labels, cuts, ward
from somite.modularity.matrix import off_diagonal
from somite.modularity.series import Array


def average(weights: Array, counts: Sequence[int], seed: int) -> Labels:
    """Average linkage with the distance (largest weight − weight), cut at each number of modules.

    Only the order of mean weights matters, so that negative weights are simply the smallest.

    Example:
        >>> average(np.kron(np.eye(2), np.ones((2, 2))), [2, 3], 0).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 2]]
    """
    values = weights[np.triu_indices(len(weights), 1)]
    return cuts(linkage(values.max() - values, method="average"), counts)


def ward_of_rows(weights: Array, counts: Sequence[int], seed: int) -> Labels:
    """Ward's linkage of the rows of the graph: components that hang together with the same others.

    The diagonal is set to the largest weight, so that two components of a module differ in nothing.

    Example:
        >>> ward_of_rows(np.kron(np.eye(2), np.ones((2, 2))), [2], 0).tolist()
        [[0, 0, 1, 1]]
    """
    pairs = off_diagonal(weights)
    rows = pairs + np.eye(len(pairs)) * pairs.max()
    return ward(rows, counts, seed)
