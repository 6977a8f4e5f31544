"""Other clusterings of the same vectors: k-means and HDBSCAN, and how far they agree."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.response.blocks import Array
from somite.response.spectroscopy.stability import jaccard
from somite.response.vectors import token_vectors

Labels = NDArray[np.int64]
METHODS = ("k_means", "hdbscan")


def cluster_agreement(
    table: xr.Dataset | xr.DataArray,
    found: xr.Dataset,
    *,
    smallest: int = 20,
    most_items: int = 20_000,
    permutations: int = 199,
    seed: int = 0,
    center_rows: bool = True,
) -> xr.Dataset:
    """Group the same vectors by k-means and by HDBSCAN, and compare.

    k-means is told the number of clusters, one more for the main body; HDBSCAN the smallest size
    of a cluster. The main body and the noise of HDBSCAN count as a group like others.

    Args:
        table: As in `token_clusters`.
        found: What `token_clusters` gave.
        smallest: Fewest items of a cluster of HDBSCAN, as of the clusters.
        most_items: Of more items so many are drawn at random, without replacement.
        permutations: Of the labels, for the p-value.
        seed: Of k-means, of the drawing and of the permutations.
        center_rows: As of the clusters.

    Returns:
        Over clustering (k_means, hdbscan): `ari` and `ami`, 1 the same and 0 as by chance;
        `p_value` of the ARI, (r + 1)/(permutations + 1), r the permutations that reach it;
        `clusters` and `coverage` of it; `similarity` (clustering, cluster), Jaccard of each cluster
        and the most similar one of it; `items`, the number of those compared.

    Raises:
        InputError: If there is no cluster, or the table is of other items.

    Example:
        >>> from somite.response import token_clusters
        >>> random = np.random.default_rng(0)
        >>> places = np.repeat(np.eye(3), 60, 0) * 9 + random.normal(size=(180, 3))
        >>> table = xr.DataArray(places.T, {"component": list("ABC")}, ("component", "token"))
        >>> cluster_agreement(table, token_clusters(table)).ari.sel(clustering="hdbscan").item()
        1.0
    """
    at_least("permutations", permutations, 1, "Use 199.")
    at_least("smallest", smallest, 2, "Use 20.")
    at_least("number of clusters", found.sizes["cluster"], 1, "There is nothing to compare.")
    vectors = token_vectors(table, center_rows=center_rows)
    sizes = [dict(x.sizes) for x in (vectors.isel(component=0, drop=True), found.label)]
    if sizes[0] != sizes[1]:
        remedy = "Pass the table that the clusters were made from."
        raise InputError("table", f"must be of the items {sizes[1]}", sizes[0], remedy)
    generator = np.random.default_rng(stream_seed("cluster agreement", seed))
    items = generator.permutation(found.label.size)[:most_items]
    points = vectors.values.reshape(-1, vectors.sizes["component"])[items]
    own = found.label.values.ravel()[items]
    many = found.sizes["cluster"] + (found.coverage.item() < 1)
    means = KMeans(many, n_init=4, random_state=generator.integers(2**31))
    density = HDBSCAN(smallest, copy=True)
    labels = (means.fit_predict(points), density.fit_predict(points))
    orders = [generator.permutation(own) for _ in range(permutations)]
    rows = np.array([_compared(own, other, orders) for other in labels])
    names = ("ari", "ami", "p_value", "clusters", "coverage")
    columns: dict[str, Any] = {name: ("clustering", rows[:, i]) for i, name in enumerate(names)}
    similar = np.zeros((len(labels), found.sizes["cluster"]))
    for row, other in zip(similar, labels, strict=True):
        again = jaccard(own, other)
        row[: len(again)] = again  # the last clusters may have no item among those compared
    columns["similarity"] = ("clustering", "cluster"), similar
    return xr.Dataset({**columns, "items": len(items)}, {"clustering": list(METHODS)})


def _compared(own: Labels, other: Labels, orders: list[Labels]) -> Array:
    ari = adjusted_rand_score(own, other)
    reached = sum(adjusted_rand_score(order, other) >= ari for order in orders)
    p_value = (reached + 1) / (len(orders) + 1)
    ami = adjusted_mutual_info_score(own, other)
    return np.array([ari, ami, p_value, other.max() + 1, (other >= 0).mean()])
