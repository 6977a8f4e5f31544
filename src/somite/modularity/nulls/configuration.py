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
    warm = (error**2).sum((1, 2)) / len(weights)
    share = np.array([len(pairs) for pairs in groups]) / sum(len(pairs) for pairs in groups)
    chosen = generator.choice(len(groups), steps, p=share)
    place = generator.random((steps, 2, count))
    allowed = warm * generator.exponential(size=(steps, count))
    allowed *= COLD ** np.linspace(0.0, 1.0, steps)[:, None]
    for step in range(steps):
        pairs = groups[chosen[step]]
        two = pairs[(place[step] * len(pairs)).astype(np.int64)]
        _swap(values, error, two, (first[two], second[two]), allowed[step])
    result = np.zeros_like(start)
    result[:, first, second] = result[:, second, first] = values
    return result


def _swap(
    values: Array, error: Array, two: Labels, ends: tuple[Labels, Labels], allowed: Array
) -> None:
    """Swap the weights of two pairs in each matrix where the energy rises by less than allowed."""
    rows = np.arange(len(values))
    a, b = values[rows, two[0]], values[rows, two[1]]
    gain = np.stack(
        [np.maximum(b, 0.0) - np.maximum(a, 0.0), np.minimum(b, 0.0) - np.minimum(a, 0.0)], 1
    )
    (i, k), (j, n) = ends  # the first pair joins i and j, the second k and n
    shared = ((i == k) | (i == n)).astype(np.float64) + ((j == k) | (j == n))
    tilt = error[rows, i] + error[rows, j] - error[rows, k] - error[rows, n]
    rise = (2.0 * gain * tilt + gain**2 * (4.0 - 2.0 * shared)[:, None]).sum(1)
    good = np.flatnonzero(rise < allowed)
    for end, sign in ((i, 1.0), (j, 1.0), (k, -1.0), (n, -1.0)):
        error[good, end[good]] += sign * gain[good]
    values[good, two[0, good]] = b[good]
    values[good, two[1, good]] = a[good]


def _strengths(matrices: Array) -> Array:
    """Row sums of the positive and of the negative part (repeat, component, sign)."""
    parts: Array = np.stack(
        [np.maximum(matrices, 0.0).sum(-1), np.minimum(matrices, 0.0).sum(-1)], -1
    )
    return parts
