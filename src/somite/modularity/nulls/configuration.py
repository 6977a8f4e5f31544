"""The configuration model of a signed, weighted graph: strengths kept, all else random."""

import numpy as np

from somite.modularity.clustering import Labels
from somite.modularity.nulls.pairs import joining, shuffled_pairs
from somite.modularity.series import Array

SWEEPS = 20  # swaps tried for each pair
COLD = 1e-3  # last temperature, as a share of the first


def configuration(
    weights: Array, strata: Labels, count: int, generator: np.random.Generator
) -> Array:
    r"""Random matrices with the same weights and, nearly, the same strengths of every component.

    The weights are permuted among pairs that join the same two strata; then two of these pairs swap
    their weights, over and over, with the Metropolis rule for the energy
    $\sum_i (s_i^+ - \hat s_i^+)^2 + (s_i^- - \hat s_i^-)^2$, while the temperature falls from the
    mean energy per component to a thousandth of it (simulated annealing, Milisav et al. 2024).
    Weights are kept exactly, strengths up to about a tenth of their spread (0.09 in full graphs of
    16 normal weights). All matrices are annealed side by side.

    Example:
        >>> weights = np.ones((4, 4)) - np.eye(4)
        >>> null = configuration(weights, np.zeros(4, int), 1, np.random.default_rng(0))
        >>> bool((null[0] == weights).all())
        True
    """
    first, second = np.triu_indices(len(weights), 1)
    start = shuffled_pairs(weights, strata, count, generator)
    values = start[:, first, second]
    error = _strengths(start) - _strengths(weights[None] * (1 - np.eye(len(weights))))
    groups = [pairs for pairs in joining(strata) if len(pairs) > 1]
    if not groups:
        return start
    steps = SWEEPS * len(first)
    warm = (error**2).sum((1, 2)) / len(weights) + 1e-300
    share = np.array([len(pairs) for pairs in groups]) / sum(len(pairs) for pairs in groups)
    chosen = generator.choice(len(groups), steps, p=share)
    for step in range(steps):
        pairs = groups[chosen[step]]
        a, b = pairs[generator.integers(len(pairs), size=(2, count))]
        ends = np.stack([first[a], second[a], first[b], second[b]])
        _swap(
            values,
            error,
            (a, b),
            ends,
            warm * COLD ** (step / steps) * generator.exponential(size=count),
        )
    result = np.zeros_like(start)
    result[:, first, second] = result[:, second, first] = values
    return result


def _swap(
    values: Array, error: Array, pair: tuple[Labels, Labels], ends: Labels, allowed: Array
) -> None:
    """Swap the weights of two pairs in each matrix where the energy rises by less than allowed."""
    rows = np.arange(len(values))
    a, b = values[rows, pair[0]], values[rows, pair[1]]
    gain = np.stack(
        [np.maximum(b, 0.0) - np.maximum(a, 0.0), np.minimum(b, 0.0) - np.minimum(a, 0.0)], 1
    )
    change = np.zeros_like(error)
    for end, sign in zip(ends, (1, 1, -1, -1), strict=True):
        change[rows, end] += sign * gain  # one end after the other: two pairs may share one
    rise = (change * (2 * error + change)).sum((1, 2))
    good = rise < allowed
    error[good] += change[good]
    values[rows[good], pair[0][good]] = b[good]
    values[rows[good], pair[1][good]] = a[good]


def _strengths(matrices: Array) -> Array:
    """Row sums of the positive and of the negative part (repeat, component, sign)."""
    parts: Array = np.stack(
        [np.maximum(matrices, 0.0).sum(-1), np.minimum(matrices, 0.0).sum(-1)], -1
    )
    return parts
