"""Cuts grown from seeds, round by round, until a round covers hardly anything new."""

import numpy as np
from numpy.typing import NDArray

from somite.response.blocks import Array
from somite.response.spectroscopy.graph import Graph, Places
from somite.response.spectroscopy.pagerank import personalized_pagerank
from somite.response.spectroscopy.seeds import seed_order
from somite.response.spectroscopy.settings import Conductance
from somite.response.spectroscopy.sweep import Cut, sweep

BODY = -1
"""Label of the main body, which is no cluster."""
ALIKE = 0.5
"""Jaccard similarity from which on two cuts are the same one."""
NUMBERS = 2**19
"""Most numbers of one array of PageRanks, items times seeds."""


def grow(graph: Graph, settings: Conductance) -> list[Cut]:
    """All cuts that seeds find, of cuts that are alike the one that conducts least."""
    waiting, covered = seed_order(graph), np.zeros(graph.size, bool)
    found: list[Cut] = []
    while True:
        waiting = waiting[~covered[waiting]]
        seeds, waiting = waiting[: settings.round_size], waiting[settings.round_size :]
        before = int(covered.sum())
        step = max(1, NUMBERS // graph.size)
        for start in range(0, len(seeds), step):
            for cut in _cuts(graph, seeds[start : start + step], settings):
                found = _with(found, cut, graph.size)
                covered[cut.members] = True
        if int(covered.sum()) - before < settings.new_coverage * graph.size:
            return found


def labels(cuts: list[Cut], size: int, smallest: int) -> NDArray[np.int64]:
    """A cluster for every item: cuts take their items in order of conductance.

    A cut that finds less than half of its items free, or fewer than `smallest`, is dropped; what is
    taken by none is the main body.

    Args:
        cuts: The cuts.
        size: Number of items.
        smallest: Fewest items of a cluster.

    Returns:
        Labels 0, 1, … in order of conductance, −1 for the main body (item,).

    Example:
        >>> cuts = [Cut(np.array([2, 3]), 0.2, 2), Cut(np.array([0, 1]), 0.1, 0)]
        >>> labels(cuts, 5, 2).tolist()
        [0, 0, 1, 1, -1]
    """
    found = np.full(size, BODY)
    count = 0
    for cut in sorted(cuts, key=lambda one: one.conductance):
        free = cut.members[found[cut.members] == BODY]
        if len(free) >= max(smallest, len(cut.members) / 2):
            found[free], count = count, count + 1
    return found


def inside_edges(graph: Graph, found: NDArray[np.int64]) -> Array:
    """Edges of every item to others of its cluster (item,); 0 in the main body.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> path = Graph(csr_matrix(np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])))
        >>> inside_edges(path, np.array([0, 0, -1])).tolist()
        [1.0, 1.0, 0.0]
    """
    one, two = graph.edges
    kept = (found[one] == found[two]) & (found[one] != BODY)
    ends = np.concatenate([one[kept], two[kept]])
    return np.bincount(ends, minlength=graph.size).astype(np.float64)


def _cuts(graph: Graph, seeds: Places, settings: Conductance) -> list[Cut]:
    scores = personalized_pagerank(graph, seeds, settings.teleport, settings.tolerance)
    cuts = [sweep(graph, scores[:, i], int(seed), settings) for i, seed in enumerate(seeds)]
    return [cut for cut in cuts if cut is not None]


def _with(found: list[Cut], cut: Cut, size: int) -> list[Cut]:
    """The cuts and one more, unless one that is alike conducts less; it replaces all others."""
    member = np.zeros(size, bool)
    member[cut.members] = True
    kept = []
    for other in found:
        shared = int(member[other.members].sum())
        if shared < ALIKE * (len(other.members) + len(cut.members) - shared):
            kept.append(other)
        elif other.conductance <= cut.conductance:
            return found
    return [*kept, cut]
