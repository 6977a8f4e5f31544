"""Negative controls of clusters: the same procedure on vectors without clusters.

permuted   χ of every component is put to items in an order of its own: each component answers as
           before, the components no longer to the same items
gaussian   normal vectors with the means and covariances of χ: components correlate as before, and
           there are no clusters
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import xarray as xr
from scipy.stats import norm

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.response.blocks import Array
from somite.response.control import check_control
from somite.response.spectroscopy.clusters import token_clusters
from somite.response.spectroscopy.settings import Conductance
from somite.response.spectroscopy.statistics import SIGNS, STATISTICS, cluster_statistics
from somite.response.vectors import item_dims, response_values


class Null(Protocol):
    """χ (component, item) to χ of the same shape without clusters."""

    def __call__(self, values: Array, generator: np.random.Generator) -> Array:
        """Draw one."""
        ...


def permuted(values: Array, generator: np.random.Generator) -> Array:
    """Every row in an order of its own."""
    return generator.permuted(values, axis=1)


def gaussian(values: Array, generator: np.random.Generator) -> Array:
    """Normal columns with the mean and the covariance of the given ones."""
    center = values.mean(1, keepdims=True)
    off = values - center
    left, size, _ = np.linalg.svd(off @ off.T / off.shape[1])
    drawn: Array = center + (left * np.sqrt(size)) @ generator.standard_normal(values.shape)
    return drawn


NULLS: Mapping[str, Null] = MappingProxyType({"permuted": permuted, "gaussian": gaussian})


def cluster_null(
    table: xr.Dataset | xr.DataArray,
    settings: Conductance | None = None,
    *,
    kind: str = "permuted",
    repeats: int = 20,
    seed: int = 0,
    center_rows: bool = True,
) -> xr.Dataset:
    """Compare clusters of items with those of vectors that have none.

    Args:
        table: As in `token_clusters`.
        settings: As in `token_clusters`.
        kind: "permuted", each component in an order of its own, or "gaussian", normal vectors of
            the same covariance.
        repeats: Number of draws from the null; p cannot be below 1/(repeats + 1).
        seed: Of the null.
        center_rows: As in `token_clusters`.

    Returns:
        Over statistic (number of `clusters`, `coverage`, mean `conductance` with 1 in the main
        body, `lowest` conductance): `value`, `null_mean`, `null_sd`, `z` (NaN if the null does not
        vary) and one-sided `p_value` = (r + 1)/(repeats + 1), r the draws with at least as much
        structure; `drawn` (repeat, statistic), the values of every draw.

    Raises:
        InputError: As `token_clusters`; if the null is unknown.

    Example:
        >>> random = np.random.default_rng(0)
        >>> places = np.repeat(np.eye(3), 60, 0) * 9 + random.normal(size=(180, 3))
        >>> table = xr.DataArray(places.T, {"component": list("ABC")}, ("component", "token"))
        >>> cluster_null(table, kind="gaussian", repeats=9).p_value.values.tolist()
        [0.1, 0.1, 0.1, 0.1]
    """
    one_of("kind", kind, NULLS)
    at_least("repeats", repeats, 2, "Use 20.")
    own = cluster_statistics(token_clusters(table, settings, center_rows=center_rows))
    values = response_values(table)
    dims = ("component", *item_dims(values))
    flat = values.transpose(*dims).values.reshape(values.sizes["component"], -1)
    shape, names = [values.sizes[name] for name in dims], {"component": values.component.values}
    generator = np.random.default_rng(stream_seed("clusters", kind, seed))
    rows = []
    for _ in range(repeats):
        drawn = xr.DataArray(NULLS[kind](flat, generator).reshape(shape), names, dims)
        rows.append(cluster_statistics(token_clusters(drawn, settings, center_rows=center_rows)))
    return _against(own, np.stack(rows), kind)


def cluster_contrast(found: xr.Dataset, control: xr.Dataset) -> xr.Dataset:
    """Compare clusters with those of the run without loss, whose weights are a plain Gaussian.

    Clusters that this run has as well come from the architecture and the center.

    Args:
        found: From `cluster_stability`.
        control: The same of draws with n_beta = 0 and another seed, all else alike.

    Returns:
        Over statistic: `value`, `control`, `difference`, its `error` from the replicates of both,
        `z` and two-sided `p_value` (normal); NaN where no replicate differs.

    Raises:
        InputError: If the control has a loss, the same seed or other settings, or one has no
        errors.

    Example:
        >>> one = xr.Dataset({"value": ("statistic", [9.0]), "error": ("statistic", [3.0])},
        ...                  {"statistic": ["clusters"]}, {"n_beta": 10.0, "seed": 0})
        >>> other = one.assign(value=("statistic", [1.0]), error=("statistic", [0.0]))
        >>> cluster_contrast(one, other.assign_attrs(n_beta=0.0, seed=1)).z.round(2).item()
        2.67
    """
    check_control(found, control)
    for name, table in (("found", found), ("control", control)):
        if "error" not in table:
            remedy = "Pass what `somite.cluster_stability` gives."
            raise InputError(name, "must have errors of its statistics", list(table), remedy)
    difference = found.value - control.value
    error = np.hypot(found.error, control.error)
    z = (difference / error).where(error > 0)
    columns = {
        "value": found.value,
        "control": control.value,
        "difference": difference,
        "error": error,
        "z": z,
        "p_value": xr.apply_ufunc(lambda values: 2 * norm.sf(abs(values)), z),
    }
    return xr.Dataset(columns, attrs=found.attrs)


def _against(own: Array, null: Array, kind: str) -> xr.Dataset:
    spread = null.std(0, ddof=1)
    z = np.divide(own - null.mean(0), spread, out=np.full_like(own, np.nan), where=spread > 0)
    reached = (SIGNS * null >= SIGNS * own).sum(0)
    columns = {
        "value": own,
        "null_mean": null.mean(0),
        "null_sd": spread,
        "z": z,
        "p_value": (reached + 1) / (len(null) + 1),
    }
    arrays: dict[str, Any] = {name: ("statistic", values) for name, values in columns.items()}
    arrays["drawn"] = ("repeat", "statistic"), null
    return xr.Dataset(arrays, {"statistic": list(STATISTICS)}, {"kind": kind, "repeats": len(null)})
