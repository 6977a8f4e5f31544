"""Stability of groups: how well each one is found again when the features are resampled."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from somite.modularity.clustering import Labels
from somite.modularity.series import Array


@dataclass(frozen=True, eq=False)
class Replicate:
    """Resampled features.

    Args:
        rows: Which components it holds, by number (row,).
        features: Their features (row, feature).
    """

    rows: Labels
    features: Array


def recovery(original: Labels, again: Labels) -> Array:
    """Jaccard similarity of each original group to the most similar group of another clustering.

    max over g of |G and g| / |G or g| (Hennig 2007, cluster-wise assessment of cluster stability).

    Args:
        original: Labels 0, 1, … (component,).
        again: Labels of the same components.

    Returns:
        One number in (0, 1] for each original label up to the largest; NaN for a label without
        members.

    Example:
        >>> recovery(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])).round(2).tolist()
        [0.67, 0.5]
    """
    first = original[:, None] == np.arange(original.max() + 1)
    second = again[:, None] == np.unique(again)
    shared = first.T.astype(np.float64) @ second
    union = first.sum(0)[:, None] + second.sum(0)[None, :] - shared
    best: Array = (shared / union).max(axis=1)
    return np.where(first.any(axis=0), best, np.nan)


def group_stability(original: Labels, replicates: Iterable[tuple[Labels, Labels]]) -> Array:
    """Mean recovery of each group over replicates that hold any of its members.

    Args:
        original: Labels of all components.
        replicates: Pairs of (rows, labels of these rows).

    Returns:
        One number in (0, 1] for each group: above 0.75 the group is stable, below 0.6 it dissolves.
    """
    size = int(original.max()) + 1
    rows = []
    for chosen, labels in replicates:
        part = recovery(original[chosen], labels)
        rows.append(np.pad(part, (0, size - len(part)), constant_values=np.nan))
    found = np.stack(rows)
    seen = np.isfinite(found)
    total = np.where(seen, found, 0.0).sum(0)
    mean: Array = total / np.maximum(seen.sum(0), 1)
    return mean
