"""Single moves that raise the signed modularity of a partition."""

import numpy as np

from somite.modularity.clustering import Labels, canonical
from somite.modularity.series import Array
from somite.modularity.statistics import modularity_matrix

LEAST_GAIN = 1e-12  # below which a gain is rounding


def refine(weights: Array, labels: Labels) -> Labels:
    """Move one component, or join two modules, as long as the signed modularity rises.

    Louvain and Leiden know positive weights only. From their partition of the positive part, the
    best single step is taken, over and over: a component into another module or one of its own, or
    two modules into one.

    Example:
        >>> refine(np.kron(np.eye(2), np.ones((2, 2))), np.array([0, 1, 2, 2])).tolist()
        [0, 0, 1, 1]
    """
    matrix = modularity_matrix(weights)
    np.fill_diagonal(matrix, 0.0)  # the same in every partition
    while True:
        moved = _best_move(matrix, labels)
        moved = _best_join(matrix, labels) if moved is None else moved
        if moved is None:
            return canonical(labels)
        labels = canonical(moved)


def _best_move(matrix: Array, labels: Labels) -> Labels | None:
    """Labels after the best move of one component, if it gains anything."""
    count = len(labels)
    member = np.eye(int(labels.max()) + 2)[labels]  # the last module is empty: one of its own
    tie = matrix @ member
    gain = tie - tie[np.arange(count), labels][:, None]
    component, module = np.unravel_index(int(gain.argmax()), gain.shape)
    if gain[component, module] <= LEAST_GAIN:
        return None
    result = labels.copy()
    result[component] = module
    return result


def _best_join(matrix: Array, labels: Labels) -> Labels | None:
    """Labels after the best union of two modules, if it gains anything."""
    member = np.eye(int(labels.max()) + 1)[labels]
    between = member.T @ matrix @ member
    np.fill_diagonal(between, -np.inf)
    first, second = np.unravel_index(int(between.argmax()), between.shape)
    if between[first, second] <= LEAST_GAIN:
        return None
    return np.where(labels == second, first, labels)
