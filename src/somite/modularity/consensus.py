"""One partition out of many: components that are together in most of them."""

import numpy as np
import xarray as xr
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.modularity.clustering import Labels, canonical
from somite.modularity.series import Array
from somite.modularity.stability import group_stability

TOGETHER = 0.5  # mean share of the partitions in which the components of a module are together


def consensus(labels: xr.DataArray) -> xr.Dataset:
    """Consensus of partitions from resamplings, seeds or algorithms.

    Average linkage of the co-association, the share of the partitions in which two components are
    together (Fred and Jain 2005), cut where it falls below one half: no number of modules is given.
    A module's stability is the mean Jaccard similarity to the most similar module of each partition
    (Hennig 2007): above 0.75 stable, below 0.6 dissolved.

    Args:
        labels: Labels of each partition; dims (replicate, component), whole numbers.

    Returns:
        dims component: label, module_stability; dims (component, other): together. Attribute
        n_modules.

    Raises:
        InputError: If dims are wrong, or there are fewer than two partitions or components.

    Example:
        >>> many = xr.DataArray([[0, 0, 1], [0, 0, 1], [0, 1, 1]], dims=("replicate", "component"))
        >>> consensus(many).label.values.tolist()
        [0, 0, 1]
    """
    if set(labels.dims) != {"replicate", "component"}:
        rule = "must have the dims replicate, component"
        raise InputError("labels", rule, labels.dims, "Stack the labels of the partitions.")
    at_least("replicates", labels.sizes["replicate"], 2, "Give more partitions.")
    at_least("components", labels.sizes["component"], 2, "Group more components.")
    ordered = labels.transpose("replicate", "component")
    rows = np.stack([canonical(row) for row in ordered.to_numpy()])
    together = co_association(rows)
    tree = linkage(squareform(1.0 - together, checks=False), method="average")
    found = canonical(fcluster(tree, 1.0 - TOGETHER, criterion="distance"))
    every = np.arange(len(found))
    stability = group_stability(found, ((every, row) for row in rows))
    variables = {
        "label": ("component", found),
        "module_stability": ("component", stability[found]),
        "together": (("component", "other"), together),
    }
    names = ordered["component"].to_numpy()
    coords = {"component": names, "other": names}
    return xr.Dataset(variables, coords, {"n_modules": int(found.max()) + 1})


def co_association(labels: Labels) -> Array:
    """Share of the partitions (replicate, component) in which two components are together.

    Example:
        >>> co_association(np.array([[0, 0], [0, 1]])).tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """
    same: Array = (labels[:, :, None] == labels[:, None, :]).mean(0)
    return same
