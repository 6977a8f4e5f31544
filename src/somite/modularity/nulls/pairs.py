"""Weights shuffled among pairs."""

import numpy as np

from somite.modularity.clustering import Labels
from somite.modularity.series import Array


def shuffled_pairs(
    weights: Array, strata: Labels, count: int, generator: np.random.Generator
) -> Array:
    """Weights permuted among all pairs that join the same two strata; the diagonal is zero.

    Exact where the weights of such pairs are exchangeable. Strengths are not kept, and neither is
    what every matrix of correlations has: two that are like a third are like each other.

    Example:
        >>> weights, strata = np.array([[0.0, 2.0], [2.0, 0.0]]), np.array([0, 0])
        >>> shuffled_pairs(weights, strata, 1, np.random.default_rng(0)).tolist()
        [[[0.0, 2.0], [2.0, 0.0]]]
    """
    first, second = np.triu_indices(len(weights), 1)
    values = np.tile(weights[first, second], (count, 1))
    for pairs in joining(strata):
        values[:, pairs] = generator.permuted(values[:, pairs], axis=1)
    result = np.zeros((count, *weights.shape))
    result[:, first, second] = result[:, second, first] = values
    return result


def joining(strata: Labels) -> list[Labels]:
    """Pairs, by their place in `np.triu_indices`, that join the same two strata.

    Example:
        >>> [pairs.tolist() for pairs in joining(np.array([0, 0, 1]))]
        [[0], [1, 2]]
    """
    first, second = np.triu_indices(len(strata), 1)
    ends = np.sort(np.stack([strata[first], strata[second]]), axis=0)
    kind = ends[0] * (int(strata.max()) + 1) + ends[1]
    return [np.flatnonzero(kind == k) for k in np.unique(kind)]
