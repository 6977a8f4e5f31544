"""Which clusters stand against the noise of the draws, the run without loss, and the nulls."""

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.response.blocks import Array
from somite.response.control import check_control
from somite.response.spectroscopy.stability import jaccard

DISSOLVED = 0.5
"""Mean Jaccard similarity below which a cluster is not found again (Hennig 2007)."""
LEVEL = 0.05


def cluster_survival(found: xr.Dataset, control: xr.Dataset, *nulls: xr.Dataset) -> xr.Dataset:
    """Say of every cluster whether it is more than noise, and more than there is without loss.

    A cluster survives if its stability is at least 0.5, if it is found again better in replicates
    with the loss than in those without (in 95 % of pairs of them, one of either run; of equal
    pairs half), and if it conducts less than all that is found in at least 95 % of the draws of
    each null.

    Args:
        found: From `cluster_stability`.
        control: The same of draws with n_beta = 0 and another seed, all else alike: weights are
            plain Gaussian noise.
        nulls: From `cluster_null`, at least one, each of at least 19 repeats.

    Returns:
        Over cluster `control_similarity`, the mean Jaccard similarity with the most similar cluster
        of a replicate of the control; `beyond_control`, the share of pairs of replicates;
        `null_p_value` (null, cluster) = (r + 1)/(repeats + 1), r the draws whose lowest conductance
        is not above that of the cluster, which allows for looking at all clusters; `survives`.

    Raises:
        InputError: If the control has a loss, the same seed or other settings; if labels of
            replicates are missing or of other items, or there is no null of 19 repeats.

    Source: Hennig 2007 for the similarity; the rule is ours.

    Example:
        >>> from somite.response import cluster_null, cluster_stability, token_clusters
        >>> random = np.random.default_rng(0)
        >>> def table(scale, n_beta, seed):
        ...     places = np.repeat(np.eye(3), 60, 0) * scale + random.normal(size=(180, 3))
        ...     return xr.DataArray(places.T, {"component": list("ABC")}, ("component", "token"),
        ...                         attrs={"n_beta": n_beta, "seed": seed})
        >>> def stable(table):
        ...     noise = random.normal(size=(4, 3, 180)) / 9
        ...     drawn = xr.DataArray(noise, {}, ("replicate", *table.dims)) + table
        ...     return cluster_stability(token_clusters(table), drawn)
        >>> own, control = table(9, 10.0, 0), table(0, 0.0, 1)
        >>> null = cluster_null(own, repeats=19)
        >>> cluster_survival(stable(own), stable(control), null).survives.values.tolist()
        [True, True, True]
    """
    check_control(found, control)
    at_least("number of nulls", len(nulls), 1, "Pass what `somite.cluster_null` gives.")
    for null in nulls:
        at_least("repeats of the null", null.sizes["repeat"], 19, "Use 20.")
    own, other = (_found_again(found, table) for table in (found, control))
    pairs = own[:, None], other[None]
    beyond = ((pairs[0] > pairs[1]) + 0.5 * (pairs[0] == pairs[1])).mean((0, 1))
    lowest = [null.drawn.sel(statistic="lowest").values[:, None] for null in nulls]
    reached = [(drawn <= found.conductance.values).sum(0) for drawn in lowest]
    p_value = np.stack(
        [(r + 1) / (len(drawn) + 1) for r, drawn in zip(reached, lowest, strict=True)]
    )
    survives = (own.mean(0) >= DISSOLVED) & (beyond >= 1 - LEVEL) & (p_value <= LEVEL).all(0)
    columns = {
        "control_similarity": ("cluster", other.mean(0)),
        "beyond_control": ("cluster", beyond),
        "null_p_value": (("null", "cluster"), p_value),
        "survives": ("cluster", survives),
    }
    names = {"cluster": found.cluster.values, "null": [null.attrs["kind"] for null in nulls]}
    return xr.Dataset(columns, names)


def _found_again(found: xr.Dataset, table: xr.Dataset) -> Array:
    """Similarity of every cluster to the most similar one of each replicate (replicate, cluster).

    Raises:
        InputError: If there are no such replicates.
    """
    if "replicate_label" not in table or table.label.sizes != found.label.sizes:
        remedy = "Pass what `somite.cluster_stability` gives, of the same items."
        got = dict(table.label.sizes)
        raise InputError(
            "clusters", f"must have labels of replicates of {dict(found.label.sizes)}", got, remedy
        )
    original = found.label.values.ravel()
    return np.stack([jaccard(original, again.ravel()) for again in table.replicate_label.values])
