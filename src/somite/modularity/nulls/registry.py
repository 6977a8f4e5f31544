"""Null models of a matrix by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np

from somite.modularity.clustering import Labels
from somite.modularity.nulls.configuration import configuration
from somite.modularity.nulls.pairs import shuffled_pairs
from somite.modularity.nulls.rotation import rotated
from somite.modularity.series import Array


class Null(Protocol):
    """Weights (component, other) to random matrices (repeat, component, other)."""

    def __call__(
        self, weights: Array, strata: Labels, count: int, generator: np.random.Generator
    ) -> Array:
        """Draw `count` matrices; strata are kept where the null knows them."""
        ...


NULLS: Mapping[str, Null] = MappingProxyType(
    {"pairs": shuffled_pairs, "configuration": configuration, "rotation": rotated}
)
