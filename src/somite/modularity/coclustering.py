"""Co-clustering: modules of components and of data sets at once."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from sklearn.cluster import SpectralCoclustering

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.clustering import Labels, canonical
from somite.modularity.partition import LARGEST
from somite.modularity.scoring import ROUNDING
from somite.modularity.series import Array

REPEATS = 99
TINY = 1e-12


def cocluster(
    table: xr.DataArray, seed: int, largest: int = LARGEST, repeats: int = REPEATS
) -> xr.Dataset:
    r"""Modules of components and domains, from a table of components × domains.

    Spectral co-clustering (Dhillon 2001, scikit-learn) for 2, 3, … modules; that with the largest
    bipartite modularity $Q = \sum_{cd} (T_{cd}/T - r_c k_d/T^2)\,[c, d \text{ in one module}]$
    (Barber 2007) is kept, with r and k the sums of rows and columns. Negative entries
    are clipped at zero and their share reported. z and p compare Q with tables in which the entries
    of every row are permuted: each component keeps how specialised it is, but not on what. The
    whole search is repeated on each. That a domain is large for everybody is lost in that null:
    where such levels say nothing, divide the columns by their means first.

    Args:
        table: Such as data-refined LLCs; dims (component, domain).
        seed: Seed of the algorithm and of the null.
        largest: Largest number of modules tried.
        repeats: Number of null tables.

    Returns:
        dims component: label; dims domain: domain_label (that of the components it goes with);
        modularity, z, p_value; attributes n_modules, negative_share.

    Raises:
        InputError: If dims are wrong, a value is not finite, there are fewer than three components
            or two domains, or a row or column has no positive entry.
    """
    if set(table.dims) != {"component", "domain"}:
        rule = "must have the dims component, domain"
        raise InputError("table", rule, table.dims, "Select one step.")
    ordered = table.transpose("component", "domain").astype(np.float64)
    values = ordered.to_numpy()
    _check_table(values)
    at_least("largest", largest, 2, "Allow two modules or more.")
    at_least("repeats", repeats, 1, "Use 99.")
    clipped = np.maximum(values, 0.0)
    counts = range(2, max(2, min(largest, len(values) - 1, values.shape[1])) + 1)
    rows, columns, quality = _best(clipped, counts, seed)
    generator = np.random.default_rng(stream_seed("null of co-clustering", seed))
    again = (generator.permuted(clipped, axis=1) for _ in range(repeats))
    null = np.array([_best(each, counts, seed)[2] for each in again])
    p_value = (int((null >= quality - ROUNDING).sum()) + 1) / (repeats + 1)
    spread = float(null.std())
    z = (quality - float(null.mean())) / spread if spread > ROUNDING else np.nan
    variables = {"label": ("component", rows), "domain_label": ("domain", columns)}
    numbers = {"modularity": quality, "z": z, "p_value": p_value}
    share = float(np.maximum(-values, 0.0).sum() / np.abs(values).sum())
    attrs = {"n_modules": len(np.unique(rows)), "negative_share": share}
    return xr.Dataset({**variables, **numbers}, ordered.coords, attrs)


def bipartite_modularity(table: Array, rows: Labels, columns: Labels) -> float:
    """Barber's modularity of a table without negative entries.

    Example:
        >>> bipartite_modularity(np.eye(2), np.array([0, 1]), np.array([0, 1]))
        0.5
    """
    share = table / table.sum()
    expected = np.outer(share.sum(1), share.sum(0))
    return float((share - expected)[rows[:, None] == columns].sum())


def _best(table: Array, counts: Sequence[int], seed: int) -> tuple[Labels, Labels, float]:
    state = stream_seed("co-clustering", seed) % 2**32
    filled = table + TINY * table.max()  # a column without weight cannot be divided by
    found = []
    for count in counts:
        fit = SpectralCoclustering(count, random_state=state, n_init=3).fit(filled)
        joint = canonical(np.concatenate([fit.row_labels_, fit.column_labels_]))
        rows, columns = joint[: len(table)], joint[len(table) :]
        found.append((rows, columns, bipartite_modularity(table, rows, columns)))
    return max(found, key=lambda each: each[2])


def _check_table(values: Array) -> None:
    if not np.isfinite(values).all():
        bad = f"{int((~np.isfinite(values)).sum())} NaN or infinite values"
        raise InputError("table", "must be finite", bad, "Leave those components out.")
    if values.shape[0] < 3 or values.shape[1] < 2:
        rule, remedy = "must hold at least 3 components and 2 domains", "Measure more."
        raise InputError("table", rule, values.shape, remedy)
    positive = values > 0
    if not (positive.any(0).all() and positive.any(1).all()):
        rule = "must have a positive entry in every row and column"
        raise InputError("table", rule, "an empty one", "Leave that component or domain out.")
