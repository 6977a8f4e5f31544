"""How clustered a set of items is: numbers of a clustering that nulls and controls have as well."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import xarray as xr

from somite.response.blocks import Array

STATISTICS: Mapping[str, int] = MappingProxyType(
    {"clusters": 1, "coverage": 1, "conductance": -1, "lowest": -1}
)
"""Names, and 1 where more of it means more structure, −1 where less."""
SIGNS = np.array(list(STATISTICS.values()))


def cluster_statistics(found: xr.Dataset) -> Array:
    """The numbers of `STATISTICS` (statistic,).

    `clusters` is their number, `coverage` the share of items in them, `conductance` the mean over
    items of the conductance of their cluster, 1 for the main body, `lowest` the lowest one, 1 if
    there is none.

    Example:
        >>> found = xr.Dataset({"label": ("token", [0, 0, 0, -1]), "size": ("cluster", [3]),
        ...                     "conductance": ("cluster", [0.2]), "coverage": 0.75})
        >>> cluster_statistics(found).round(3).tolist()
        [1.0, 0.75, 0.4, 0.2]
    """
    items = found.label.size
    inside = float((found["size"] * found.conductance).sum())
    body = items - int(found["size"].sum())
    lowest = float(found.conductance.min()) if found.sizes["cluster"] else 1.0
    mean = (inside + body) / items
    return np.array([found.sizes["cluster"], float(found.coverage), mean, lowest])
