"""The graph of nearest neighbours.

Two items are joined if either is among the nearest of the other.
Edges have weight 1, distances are Euclidean and exact.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, triu
from sklearn.neighbors import kneighbors_graph

from somite.core.errors import InputError
from somite.response.blocks import Array

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Graph:
    """Items and their edges.

    Args:
        adjacency: Symmetric, 1 for an edge, nothing on the diagonal (item, item).
    """

    adjacency: csr_matrix

    @property
    def size(self) -> int:
        """Number of items."""
        return int(self.adjacency.shape[0])

    @cached_property
    def degree(self) -> Array:
        """Edges of every item (item,)."""
        found: Array = np.diff(self.adjacency.indptr).astype(np.float64)
        return found

    @cached_property
    def edges(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The two ends of every edge (edge,)."""
        upper = triu(self.adjacency, 1).tocoo()
        return upper.row, upper.col


def neighbor_graph(vectors: Array, neighbors: int) -> Graph:
    """Join every item with its nearest ones.

    Args:
        vectors: (item, component).
        neighbors: Number of nearest items, without itself.

    Returns:
        The graph; it has between `neighbors` and 2 · `neighbors` edges for an item on average.

    Raises:
        InputError: If there are no more items than neighbours.

    Example:
        >>> neighbor_graph(np.array([[0.0], [1.0], [5.0]]), 1).degree.tolist()
        [1.0, 2.0, 1.0]
    """
    if len(vectors) <= neighbors:
        remedy = "Give more tokens or a smaller number of neighbours."
        raise InputError("neighbors", "must be fewer than the items", len(vectors), remedy)
    nearest = kneighbors_graph(vectors, neighbors)
    return Graph(nearest.maximum(nearest.T).tocsr())
