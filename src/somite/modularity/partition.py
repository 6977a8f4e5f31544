"""A partition of components: the number of groups chosen, and how stable each group is."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from sklearn.metrics import silhouette_score

from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.clustering import ALGORITHMS, Labels
from somite.modularity.series import Array
from somite.modularity.stability import Replicate, group_stability

STABLE = 0.75  # Hennig's bound for a stable group
LARGEST = 8  # groups tried unless told otherwise


def partition(
    features: xr.DataArray,
    replicates: Sequence[Replicate],
    algorithm: str,
    seed: int,
    largest: int = LARGEST,
) -> xr.Dataset:
    """Group components by their features; the number of groups comes from stability and silhouette.

    Stability alone would nearly always choose two groups: with small errors *every* cut of the
    features is found again in every resampling, and the coarsest is found most surely. Stability
    only says which groups are more than noise. So a number of groups qualifies when each of its
    groups has a mean Jaccard recovery of at least 0.75, and among those that qualify the one with
    the highest mean silhouette, the best separated, is chosen. When none qualifies the most stable
    is taken, and the note says so. One group is never an answer: read the silhouette (below 0.25:
    no structure to speak of) before believing in two. An `InputError` refuses fewer
    than three components, components that are all alike, and unknown algorithms.

    Args:
        features: dims (component, feature), compared by Euclidean distance.
        replicates: Resampled features.
        algorithm: A name in `ALGORITHMS`.
        seed: Seed of the algorithm.
        largest: Largest number of groups tried, where so many components differ.

    Returns:
        dims component: label (numbered by first appearance), group_stability (that of the group the
        component is in); dims candidate (number of groups): candidate_stability (of the least
        stable group), candidate_silhouette. Attributes n_groups, stability, silhouette, note ("" or
        what is wrong).
    """
    cluster = ALGORITHMS[one_of("algorithm", algorithm, ALGORITHMS)]
    values = features.transpose("component", ...).to_numpy().astype(np.float64)
    counts = candidates(values, largest)
    small_seed = stream_seed(algorithm, seed) % 2**32  # what scikit-learn accepts
    labels = cluster(values, counts, small_seed)
    again = [(r.rows, cluster(r.features, _fitting(counts, r), small_seed)) for r in replicates]
    groups = [_stability_at(i, labels[i], again) for i in range(len(counts))]
    stability = np.array([g.min() for g in groups])
    silhouette = np.array([silhouette_score(values, row) for row in labels])
    chosen, note = choose(stability, silhouette)
    return xr.Dataset(
        {
            "label": ("component", labels[chosen]),
            "group_stability": ("component", groups[chosen][labels[chosen]]),
            "candidate_stability": ("candidate", stability),
            "candidate_silhouette": ("candidate", silhouette),
        },
        coords={"component": features.component.to_numpy(), "candidate": list(counts)},
        attrs={
            "n_groups": counts[chosen],
            "stability": float(stability[chosen]),
            "silhouette": float(silhouette[chosen]),
            "note": note,
        },
    )


def choose(stability: Array, silhouette: Array) -> tuple[int, str]:
    """Index of the best separated candidate among the stable ones, and a note if there is none.

    Example:
        >>> choose(np.array([0.9, 0.8, 0.5]), np.array([0.3, 0.6, 0.7]))
        (1, '')
    """
    stable = stability >= STABLE
    if stable.any():
        return int(np.argmax(np.where(stable, silhouette, -np.inf))), ""
    note = f"No number of groups is stable (every group's Jaccard recovery at least {STABLE})."
    return int(np.argmax(stability)), note


def candidates(values: Array, largest: int) -> range:
    """Numbers of groups worth trying: 2 up to one fewer than the components, all different.

    Raises:
        InputError: If there is none.
    """
    if largest < 2:
        raise InputError("largest", "must be at least 2", largest, "Allow two groups or more.")
    if len(values) < 3:
        remedy = "Group more components."
        raise InputError("component", "must name at least 3 components", len(values), remedy)
    if not np.isfinite(values).all():
        bad = f"{int((~np.isfinite(values)).sum())} NaN or infinite values"
        raise InputError("features", "must be finite", bad, "Leave those components out.")
    distinct = len(np.unique(values, axis=0))
    if distinct < 2:
        remedy = "Choose features in which the components differ."
        raise InputError("features", "must differ between components", "equal rows", remedy)
    return range(2, min(largest, len(values) - 1, distinct) + 1)


def _fitting(counts: range, replicate: Replicate) -> list[int]:
    """The numbers of groups, none above the rows of the replicate."""
    return [min(k, len(replicate.rows)) for k in counts]


def _stability_at(index: int, labels: Labels, again: list[tuple[Labels, Labels]]) -> Array:
    return group_stability(labels, ((rows, found[index]) for rows, found in again))
