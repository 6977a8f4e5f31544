"""Louvain's algorithm, with a refinement for signed graphs."""

from collections.abc import Sequence

import networkx as nx
import numpy as np

from somite.modularity.algorithms.refinement import refine
from somite.modularity.clustering import Labels
from somite.modularity.matrix import off_diagonal
from somite.modularity.series import Array


def louvain(weights: Array, counts: Sequence[int], seed: int) -> Labels:
    """Largest modularity by Louvain on the positive part (networkx), refined on the signed whole.

    Blondel et al. 2008. It chooses the number of modules.

    Example:
        >>> louvain(np.kron(np.eye(2), np.ones((2, 2))), [], 0).tolist()
        [[0, 0, 1, 1]]
    """
    graph = nx.from_numpy_array(np.maximum(off_diagonal(weights), 0.0))
    labels = np.zeros(len(weights), dtype=np.int64)
    for module, members in enumerate(nx.community.louvain_communities(graph, seed=seed)):
        labels[list(members)] = module
    return refine(weights, labels)[None]
