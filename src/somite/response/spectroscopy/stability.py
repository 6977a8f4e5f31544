"""Stability of clusters: how well each is found again in bootstrap replicates of the draws."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.metrics.cluster import contingency_matrix

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.response.blocks import Array
from somite.response.spectroscopy.clusters import token_clusters
from somite.response.spectroscopy.growth import BODY
from somite.response.spectroscopy.settings import Conductance
from somite.response.spectroscopy.statistics import STATISTICS, cluster_statistics
from somite.response.vectors import item_dims

Labels = NDArray[np.int64]


def cluster_stability(
    found: xr.Dataset,
    replicates: xr.DataArray,
    settings: Conductance | None = None,
    *,
    center_rows: bool = True,
) -> xr.Dataset:
    """How far clusters are the same when the draws are others.

    For each cluster the Jaccard similarity |G and H|/|G or H| with the most similar cluster H of a
    replicate, 0 if it has none (Hennig 2007). Replicates hold the noise of the draws twice, so that
    stability is rather too low than too high.

    Args:
        found: From `token_clusters`.
        replicates: From `somite.bootstrap_susceptibility` of the same draws and items.
        settings: As of the clusters.
        center_rows: As of the clusters.

    Returns:
        The clusters; over cluster also `stability`, the mean over replicates, and its
        `stability_error`, sd/√replicates; over statistic `value`, `error` (standard deviation over
        replicates) and `replicate_mean` of `clusters`, `coverage`, `conductance` (mean over items,
        1 in the main body) and `lowest`; `replicate_label` (replicate, item, …).

    Raises:
        InputError: If the replicates are not of the same items, or fewer than two.

    Example:
        >>> random = np.random.default_rng(0)
        >>> places = np.repeat(np.eye(3), 60, 0) * 9 + random.normal(size=(180, 3))
        >>> table = xr.DataArray(places.T, {"component": list("ABC")}, ("component", "token"))
        >>> noise = random.normal(size=(4, 3, 180)) / 9
        >>> replicates = xr.DataArray(noise, {}, ("replicate", "component", "token")) + table
        >>> cluster_stability(token_clusters(table), replicates).stability.values.tolist()
        [1.0, 1.0, 1.0]
    """
    _check(found, replicates)
    original = found.label.values.ravel()
    drawn, similar, statistics = [], [], []
    for i in range(replicates.sizes["replicate"]):
        again = token_clusters(
            replicates[{"replicate": i}].astype(float), settings, center_rows=center_rows
        )
        drawn.append(again.label.values)
        similar.append(jaccard(original, again.label.values.ravel()))
        statistics.append(cluster_statistics(again))
    count = len(similar)
    rows, numbers = np.stack(similar), np.stack(statistics)
    columns = {
        "stability": ("cluster", rows.mean(0)),
        "stability_error": ("cluster", rows.std(0, ddof=1) / np.sqrt(count)),
        "value": ("statistic", cluster_statistics(found)),
        "error": ("statistic", numbers.std(0, ddof=1)),
        "replicate_mean": ("statistic", numbers.mean(0)),
        "replicate_label": (("replicate", *found.label.dims), np.stack(drawn)),
    }
    return found.assign(columns).assign_coords(statistic=list(STATISTICS))


def jaccard(original: Labels, again: Labels) -> Array:
    """Similarity of each original cluster to the most similar one of another clustering.

    Args:
        original: Labels 0, 1, …, −1 for none (item,).
        again: Labels of the same items.

    Returns:
        (cluster,), 0 where the other clustering has no cluster.

    Example:
        >>> jaccard(np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1])).round(2).tolist()
        [0.67, 0.5]
    """
    count = int(original.max()) + 1
    if count == 0 or again.max() == BODY:
        return np.zeros(count)
    # Labels are shifted, so that row and column 0 are the main bodies.
    table = contingency_matrix(
        np.append(original, BODY) + 1, np.append(again, BODY) + 1, sparse=True
    ).tocsr()[1:, :]
    one = np.bincount(original[original != BODY], minlength=count)
    two = np.bincount(again[again != BODY])
    pairs = table[:, 1:].tocoo()
    shared = pairs.data / (one[pairs.row] + two[pairs.col] - pairs.data)
    best = np.zeros(count)
    np.maximum.at(best, pairs.row, shared)
    return best


def _check(found: xr.Dataset, replicates: xr.DataArray) -> None:
    sizes = {name: int(found.label.sizes[name]) for name in map(str, found.label.dims)}
    if "replicate" not in replicates.dims:
        remedy = "Pass what `somite.bootstrap_susceptibility` gives."
        raise InputError("replicates", "must have the dim replicate", replicates.dims, remedy)
    at_least("number of replicates", replicates.sizes["replicate"], 2, "Use 20.")
    others = {name: replicates.sizes[name] for name in item_dims(replicates)}
    if others != sizes:
        remedy = "Make clusters and replicates from the same losses."
        raise InputError("replicates", f"must be of the items {sizes}", others, remedy)
