"""Clusterability of one weight matrix, and the spectral clusters of its rows and columns.

Source: Golechha et al. 2025, "Modular Training of Neural Networks aids Interpretability"
(2502.02470), equation 1; clusters as in Dhillon 2001, "Co-clustering documents and words using
bipartite spectral graph partitioning", aligned between rows and columns.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans

from somite.baselines.arrays import Array
from somite.baselines.weight_graph import checked_weights
from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed

Labels = NDArray[np.int64]


def clusterability(weight: Array, rows: Labels, columns: Labels) -> float:
    r"""Share of squared weights between a row and a column of the same cluster.

    $C = \sum_{\mathrm{label}_i = \mathrm{label}_j} W_{ij}^2 / \sum W_{ij}^2$. Weights without
    structure have about 1/k for k even clusters that were given beforehand; clusters found from
    the same matrix have more.

    Args:
        weight: W (row, column), not all zero.
        rows: Cluster of each row.
        columns: Cluster of each column, in the same numbers.

    Returns:
        From 0 to 1.

    Raises:
        InputError: If the labels do not fit the matrix, or it is zero or not finite.

    Example:
        >>> clusterability(np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([0, 1]), np.array([0, 1]))
        0.9
    """
    (matrix,) = checked_weights([weight])
    if matrix.shape != (len(rows), len(columns)):
        got = (len(rows), len(columns))
        rule = f"must be {matrix.shape[0]} of rows and {matrix.shape[1]} of columns"
        raise InputError("labels", rule, got, "Give one label for every row and column.")
    squares = _squares(matrix)
    same = np.asarray(rows)[:, None] == np.asarray(columns)
    return float(squares[same].sum() / squares.sum())


def spectral_blocks(weight: Array, clusters: int, seed: int) -> tuple[Labels, Labels]:
    """Clusters of the rows and of the columns of a matrix, in the same numbers.

    K-means on the leading singular vectors of D_r^-½ |W| D_c^-½, D the row and column sums, with
    each vector divided by √D; rows and columns are clustered apart, and the columns' clusters
    renumbered so that the squared weights inside clusters are the most (Hungarian algorithm).

    Args:
        weight: W (row, column).
        clusters: Number of clusters, at most the rows and the columns.
        seed: Seed of k-means.

    Returns:
        Labels of rows and of columns.

    Raises:
        InputError: If the number of clusters is out of range, or the matrix is zero or not finite.

    Example:
        >>> block = np.kron(np.eye(2), np.ones((3, 4)))
        >>> clusterability(block, *spectral_blocks(block, 2, seed=0))
        1.0
    """
    (matrix,) = checked_weights([weight])
    squares = _squares(matrix)
    at_least("clusters", clusters, 2)
    if clusters > min(matrix.shape):
        rule = f"must be at most {min(matrix.shape)}"
        raise InputError("clusters", rule, clusters, "Ask for fewer clusters.")
    roots = [np.sqrt(_or_one(np.abs(matrix).sum(axis))) for axis in (1, 0)]
    left, _, right = np.linalg.svd(np.abs(matrix) / roots[0][:, None] / roots[1])
    vectors = (left[:, :clusters] / roots[0][:, None], right[:clusters].T / roots[1][:, None])
    rows, columns = (_kmeans(places, clusters, seed) for places in vectors)
    mass = np.zeros((clusters, clusters))
    np.add.at(mass, (columns[None].repeat(len(rows), 0), rows[:, None]), squares)
    return rows, linear_sum_assignment(mass, maximize=True)[1][columns].astype(np.int64)


def _squares(matrix: Array) -> Array:
    squares: Array = matrix**2
    if not squares.any():
        raise InputError("weights", "must not all be zero", "only zeros", "Train the model first.")
    return squares


def _or_one(sums: Array) -> Array:
    return np.where(sums > 0, sums, 1.0)


def _kmeans(places: Array, clusters: int, seed: int) -> Labels:
    """K-means, of as many clusters as places differ."""
    distinct = min(clusters, len(np.unique(places.round(12), axis=0)))
    state = stream_seed("blocks", seed) % 2**32  # what scikit-learn accepts
    labels = KMeans(distinct, n_init=10, random_state=state).fit_predict(places)
    return np.asarray(labels, dtype=np.int64)
