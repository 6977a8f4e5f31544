"""Groups that are closer than a given level; components that are not are in none."""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from somite.core.checks import at_least
from somite.modularity.clustering import Labels, canonical
from somite.modularity.series import Array
from somite.modularity.tracking import NOBODY, SMALLEST


def groups_above(weights: Array, level: float, smallest: int = SMALLEST) -> Labels:
    """Groups by average linkage, joined while the mean weight between two is at least the level.

    Other algorithms put every component somewhere. Here those that no group is close to belong to
    nobody, as do groups that stay too small: early in training that is most of a network.

    Args:
        weights: Larger means closer (component, other); the diagonal is not read.
        level: Least mean weight between two groups that are joined.
        smallest: Components that a group needs, at least 2.

    Returns:
        Labels 0, 1, … by first appearance, −1 for a component in no group (component,).

    Example:
        >>> close = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.2], [0.1, 0.2, 1.0]])
        >>> groups_above(close, 0.5).tolist()
        [0, 0, -1]
    """
    at_least("smallest", smallest, 2, "Use 2.")
    result: Labels = np.full(len(weights), NOBODY)
    if len(weights) < smallest:
        return result
    pairs = weights[np.triu_indices(len(weights), 1)]
    distances = pairs.max() - pairs
    tree = linkage(distances, method="average")
    found = fcluster(tree, pairs.max() - level, criterion="distance").astype(np.int64)
    kept = np.bincount(found)[found] >= smallest
    if kept.any():
        result[kept] = canonical(found[kept])
    return result
