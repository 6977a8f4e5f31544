"""The sweep: sets of items that PageRank reaches first, and where their conductance dips.

φ(S) = cut(S)/vol(S): of the edge ends in S, the share whose edges leave S. For sets of at most half
of all edge ends this is the conductance. In a cloud without clusters it falls as S grows; around a
cluster it falls, and then rises.
"""

from dataclasses import dataclass

import numpy as np

from somite.response.blocks import Array
from somite.response.spectroscopy.graph import Graph, Places
from somite.response.spectroscopy.settings import Conductance


@dataclass(frozen=True, eq=False)
class Cut:
    """A set of items around a seed.

    Args:
        members: Places of the items, the nearest to the seed first.
        conductance: φ of the set.
        seed: Place of the seed.
    """

    members: Places
    conductance: float
    seed: int


def conductances(graph: Graph, order: Places) -> Array:
    """φ of the sets of the first 1, 2, … items.

    Args:
        graph: The graph.
        order: All items (item,).

    Returns:
        (item,); the last is 0, as the set of all items has no edges to others.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> path = csr_matrix(np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]))
        >>> conductances(Graph(path), np.array([0, 1, 2])).round(4).tolist()
        [1.0, 0.3333, 0.0]
    """
    rank = np.empty(graph.size, np.int32)
    rank[order] = np.arange(graph.size, dtype=np.int32)
    one, two = (rank[ends] for ends in graph.edges)
    # An edge is cut from its first end on until its second one is in as well.
    entered = np.bincount(np.minimum(one, two), minlength=graph.size)
    closed = np.bincount(np.maximum(one, two), minlength=graph.size)
    found: Array = np.cumsum(entered - closed) / np.cumsum(graph.degree[order])
    return found


def dip(values: Array, volumes: Array, settings: Conductance) -> int | None:
    """Size of the first set whose conductance dips.

    It is below that of all smaller ones from `smallest` on and of all up to `window` times its
    size, and at most `main_body` times the highest of the latter; and it has at most half of the
    volume.

    Args:
        values: φ of sets of 1, 2, … items.
        volumes: Their volumes, the last being that of all.
        settings: The settings.

    Returns:
        The size; None if there is no dip.

    Example:
        >>> few = Conductance(smallest=2)
        >>> dip(np.array([0.9, 0.5, 0.1, 0.4, 0.3, 0.2, 0.0, 0.0]), np.arange(1.0, 9), few)
        3
    """
    first = settings.smallest - 1
    tail = values[first:]
    if len(tail) < 2:
        return None
    lowest = np.minimum.accumulate(tail)
    fresh = np.flatnonzero(np.append(True, tail[1:] < lowest[:-1])) + first
    following = np.append(fresh[1:], len(values))  # where it is first undercut
    ends = np.ceil((fresh + 1) * settings.window).astype(int)
    for place in fresh[(following >= ends) & (volumes[fresh] <= volumes[-1] / 2)]:
        rim = values[place + 1 : int(np.ceil((place + 1) * settings.window))].max(initial=0.0)
        if values[place] <= settings.main_body * rim:
            return int(place) + 1
    return None


def sweep(graph: Graph, scores: Array, seed: int, settings: Conductance) -> Cut | None:
    """The cut of a seed.

    Args:
        graph: The graph.
        scores: PageRank over degree (item,).
        seed: Place of the seed.
        settings: The settings.

    Returns:
        The cut; None if the seed is of the main body.
    """
    order = np.argsort(-scores, kind="stable")
    values = conductances(graph, order)
    size = dip(values, np.cumsum(graph.degree[order]), settings)
    return None if size is None else Cut(order[:size], float(values[size - 1]), seed)
