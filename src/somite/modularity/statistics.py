r"""Statistics of a partition of a weighted graph. Raw numbers: `scoring` gives them z and p.

W is symmetric, its diagonal is not read; labels are 0, 1, … In all of them larger means that the
partition fits better, so that one rule serves for p.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from somite.modularity.clustering import Labels
from somite.modularity.matrix import off_diagonal
from somite.modularity.series import Array


class Statistic(Protocol):
    """Weights (component, other) and labels (component,) to a number, NaN where undefined."""

    def __call__(self, weights: Array, labels: Labels) -> float:
        """Score the partition."""
        ...


def modularity_matrix(weights: Array) -> Array:
    r"""The matrix B of which Q is the sum over pairs within modules.

    $B = \frac{1}{w^+}\left(W^+ - \frac{s^+ s^{+T}}{w^+}\right) - \frac{1}{w^+ + w^-}
    \left(W^- - \frac{s^- s^{-T}}{w^-}\right)$, with $W = W^+ - W^-$, $s$ the row sums and $w$ the
    sum of all entries of each part.

    Source: Newman 2004 for weights; Rubinov and Sporns 2011 (NeuroImage 56, their Q*) for signs.
    """
    pairs = off_diagonal(weights)
    whole = np.abs(pairs).sum()
    result = np.zeros_like(pairs)
    for part, size in ((np.maximum(pairs, 0.0), None), (-np.maximum(-pairs, 0.0), whole)):
        total = part.sum()
        if total != 0:
            strengths = part.sum(1)
            result += (part - np.outer(strengths, strengths) / total) / (size or total)
    return result


def modularity(weights: Array, labels: Labels) -> float:
    r"""Newman's Q of a weighted graph, signed: $Q^+ - \frac{w^-}{w^+ + w^-} Q^-$.

    Example:
        >>> pairs = np.kron(np.eye(2), np.ones((2, 2)))
        >>> modularity(pairs, np.array([0, 0, 1, 1]))
        0.5
    """
    return float(modularities(weights, labels[None])[0])


def modularities(weights: Array, labels: Labels) -> Array:
    """Signed modularity of several partitions (candidate, component) of one graph."""
    together = labels[:, :, None] == labels[:, None, :]
    values: Array = np.einsum("ij,kij->k", modularity_matrix(weights), together)
    return values


def inside_share(weights: Array, labels: Labels) -> float:
    r"""Share of a module's weight that stays inside, averaged over modules: 1 − n-cut / k.

    n-cut $= \sum_M cut(M)/vol(M)$ over the k modules (Filan et al. 2021), of the
    positive weights: cut is the weight that leaves a module, vol the sum of its strengths; nothing
    stays inside a module without weight. Divided by k, since n-cut grows with k alone.

    Example:
        >>> inside_share(np.kron(np.eye(2), np.ones((2, 2))), np.array([0, 0, 1, 1]))
        1.0
    """
    pairs = np.maximum(off_diagonal(weights), 0.0)
    member = _members(labels)
    volume = member.T @ pairs.sum(1)
    inside = np.einsum("im,ij,jm->m", member, pairs, member)
    share = np.divide(inside, volume, out=np.zeros_like(volume), where=volume > 0)
    return float(share.mean())


def contrast(weights: Array, labels: Labels) -> float:
    """Mean weight within modules minus mean weight between them.

    Example:
        >>> contrast(np.kron(np.eye(2), np.ones((2, 2))), np.array([0, 0, 1, 1]))
        1.0
    """
    values, same = _pairs(weights, labels)
    if same.all() or not same.any():
        return float("nan")
    return float(values[same].mean() - values[~same].mean())


def pair_auc(weights: Array, labels: Labels) -> float:
    """Probability that a pair within a module outweighs a pair between two, ties counting half.

    Example:
        >>> pair_auc(np.kron(np.eye(2), np.ones((2, 2))), np.array([0, 0, 1, 1]))
        1.0
    """
    values, same = _pairs(weights, labels)
    inside, outside = int(same.sum()), int((~same).sum())
    if inside == 0 or outside == 0:
        return float("nan")
    ranks = rankdata(values)[same].sum()
    return float((ranks - inside * (inside + 1) / 2) / (inside * outside))


def silhouette(weights: Array, labels: Labels) -> float:
    """Mean silhouette with the distance (largest weight − weight).

    Rousseeuw 1987: (b − a)/max(a, b), a the mean distance to the own module, b that to the nearest
    other one; 0 for a component alone.

    Example:
        >>> silhouette(np.kron(np.eye(2), np.ones((2, 2))), np.array([0, 0, 1, 1]))
        1.0
    """
    pairs = off_diagonal(weights)
    others = ~np.eye(len(pairs), dtype=bool)
    distance = np.where(others, pairs[others].max() - pairs, 0.0)
    member = _members(labels)
    size = member.sum(0)
    total = distance @ member  # (component, module)
    if len(size) < 2:
        return float("nan")
    column = member.argmax(1)
    own = np.arange(len(labels)), column
    alone = size[column] == 1
    a = total[own] / np.maximum(size[column] - 1, 1)
    away = total / size
    away[own] = np.inf
    b = away.min(1)
    largest = np.maximum(a, b)
    value = np.divide(b - a, largest, out=np.zeros_like(a), where=(largest > 0) & ~alone)
    return float(value.mean())


STATISTICS: Mapping[str, Statistic] = MappingProxyType(
    {
        "modularity": modularity,
        "inside_share": inside_share,
        "contrast": contrast,
        "pair_auc": pair_auc,
        "silhouette": silhouette,
    }
)


def _members(labels: Labels) -> Array:
    """One column for each module that has members."""
    member: Array = (labels[:, None] == np.unique(labels)).astype(np.float64)
    return member


def _pairs(weights: Array, labels: Labels) -> tuple[Array, NDArray[np.bool_]]:
    """Weights of all pairs, and which of them are in one module."""
    first, second = np.triu_indices(len(weights), 1)
    return weights[first, second], labels[first] == labels[second]
