"""Clusters of items in the space of susceptibilities, by local conductance."""

import numpy as np
import xarray as xr

from somite.response.spectroscopy.graph import neighbor_graph
from somite.response.spectroscopy.growth import BODY, grow, inside_edges, labels
from somite.response.spectroscopy.settings import Conductance
from somite.response.vectors import item_dims, token_vectors


def token_clusters(
    table: xr.Dataset | xr.DataArray,
    settings: Conductance | None = None,
    *,
    center_rows: bool = True,
) -> xr.Dataset:
    """Group tokens, or other items, that components answer to alike.

    Items are vectors of standardised susceptibilities, joined with their nearest neighbours. From a
    seed a walk spreads that now and then returns to it; the items that it visits most are a cluster
    where the conductance of the set dips: where it rises again as the set grows. A cloud without
    clusters has no dip; all of it is the main body. The result has no random part.

    Clusters alone are no evidence: see `cluster_null`, `cluster_contrast` and `cluster_stability`.

    Args:
        table: From `somite.susceptibility`, or χ (component, item, …); full is left out.
        settings: Of graph, walk and cuts; those of Spectroscopy if left out.
        center_rows: Whether to take out what all components have in common at an item.

    Returns:
        `label` (item, …): 0, 1, … in order of conductance when found, −1 for the main body; over
        cluster `size` and `conductance`, of the edge ends of its items the share whose edges leave
        it; `inside` (item, …), the share of its own edges within its cluster, 0 in the main body;
        `coverage`, the share of items in clusters. Attributes of the table.

    Raises:
        InputError: As `token_vectors`; if there are no more items than neighbours.

    Source: Spectroscopy (arXiv 2601.12703); Andersen, Chung and Lang 2006 for PageRank and sweep.

    Example:
        >>> random = np.random.default_rng(0)
        >>> places = np.repeat(np.eye(3), 60, 0) * 9 + random.normal(size=(180, 3))
        >>> table = xr.DataArray(places.T, {"component": list("ABC")}, ("component", "token"))
        >>> found = token_clusters(table)
        >>> found["size"].values.tolist(), found.coverage.item()
        ([60, 60, 60], 1.0)
    """
    settings = settings or Conductance()
    vectors = token_vectors(table, center_rows=center_rows)
    dims = item_dims(vectors)
    shape = tuple(vectors.sizes[name] for name in dims)
    graph = neighbor_graph(
        vectors.values.reshape(-1, vectors.sizes["component"]), settings.neighbors
    )
    found = labels(grow(graph, settings), graph.size, settings.smallest)
    inside = inside_edges(graph, found)
    member, count = found != BODY, int(found.max()) + 1
    kept, volume = (
        np.bincount(found[member], values[member], minlength=count)
        for values in (inside, graph.degree)
    )
    clusters = xr.Dataset(
        {
            "label": (dims, found.reshape(shape)),
            "size": ("cluster", np.bincount(found[member], minlength=count)),
            "conductance": ("cluster", 1 - kept / volume),
            "inside": (dims, (inside / graph.degree).reshape(shape)),
            "coverage": float((found != BODY).mean()),
        },
        {name: vectors[name].values for name in dims if name in vectors.coords},
        table.attrs,
    )
    return clusters.assign_coords(cluster=np.arange(clusters.sizes["cluster"]))
