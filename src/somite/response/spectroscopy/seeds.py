"""Where to begin: items whose neighbourhood conducts less than those of all their neighbours.

A set of an item and its neighbours is nearly as good a cut as the best, and where it is best among
its neighbours it lies in the middle of a cluster.
"""

import numpy as np

from somite.response.blocks import Array
from somite.response.spectroscopy.graph import Graph, Places

ROWS = 1024
"""Items whose triangles are counted at one time."""


def neighborhood_conductance(graph: Graph) -> Array:
    """φ of every item together with its neighbours (item,).

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> path = csr_matrix(np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]))
        >>> neighborhood_conductance(Graph(path)).round(4).tolist()
        [0.3333, 0.0, 0.3333]
    """
    adjacency, degree = graph.adjacency, graph.degree
    volume = degree + adjacency @ degree
    triangles = np.empty(graph.size)  # edges between neighbours, both ends counted
    for start in range(0, graph.size, ROWS):
        rows = adjacency[start : start + ROWS]
        triangles[start : start + ROWS] = np.asarray(
            (rows @ adjacency).multiply(rows).sum(1)
        ).ravel()
    found: Array = 1 - (triangles + 2 * degree) / volume
    return found


def seed_order(graph: Graph) -> Places:
    """Items whose neighbourhood conducts no more than those of their neighbours, the lowest first.

    Source: Gleich and Seshadhri 2012, "Vertex neighborhoods, low conductance cuts, and good seeds
    for local community methods".

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> path = csr_matrix(np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]))
        >>> seed_order(Graph(path)).tolist()
        [1]
    """
    values = neighborhood_conductance(graph)
    adjacency = graph.adjacency
    around = np.minimum.reduceat(values[adjacency.indices], adjacency.indptr[:-1])
    places = np.flatnonzero(values <= around)
    found: Places = places[np.argsort(values[places], kind="stable")]
    return found
