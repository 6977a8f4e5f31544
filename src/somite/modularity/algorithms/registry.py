"""The algorithms by name, and what they have in common."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from somite.modularity.algorithms.density import hdbscan
from somite.modularity.algorithms.leiden import leiden
from somite.modularity.algorithms.linkage import average, ward_of_rows
from somite.modularity.algorithms.louvain import louvain
from somite.modularity.algorithms.spectral import spectral
from somite.modularity.clustering import Labels
from somite.modularity.series import Array


class GraphAlgorithm(Protocol):
    """Weights (component, other) and numbers of modules to labels (candidate, component).

    Algorithms that choose the number of modules themselves do not read `counts` and return what
    candidates they have, as many for every graph of a size. Labels are numbered by first
    appearance.
    """

    def __call__(self, weights: Array, counts: Sequence[int], seed: int) -> Labels:
        """Cut the graph; weights are symmetric, their diagonal is not read, `seed` below 2³²."""
        ...


GRAPH_ALGORITHMS: Mapping[str, GraphAlgorithm] = MappingProxyType(
    {
        "spectral": spectral,
        "average": average,
        "ward": ward_of_rows,
        "louvain": louvain,
        "leiden": leiden,
        "hdbscan": hdbscan,
    }
)
