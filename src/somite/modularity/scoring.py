"""Scores of a partition, never without what chance gives."""

from collections.abc import Callable, Sequence
from itertools import starmap

import numpy as np
import xarray as xr

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.clustering import Labels, canonical
from somite.modularity.matrix import check_matrix, negative_share
from somite.modularity.modules import DEFAULT, best_modules
from somite.modularity.nulls import NULLS
from somite.modularity.nulls.relabeling import relabelings, strata_of
from somite.modularity.partition import LARGEST
from somite.modularity.series import Array
from somite.modularity.statistics import STATISTICS

REPEATS = 199
ROUNDING = 1e-12


def score_given(
    matrix: xr.DataArray,
    labels: Sequence[int] | Labels,
    statistic: str,
    seed: int,
    strata: Sequence[object] | None = None,
    repeats: int = REPEATS,
) -> xr.Dataset:
    """Score of a partition that was not found from this matrix, against random ones of its sizes.

    The labels are permuted within strata, such as layer and type: components of one layer are alike
    in everything. p is as in `agreement`, exact where there are few orders. For a partition that
    was found in the matrix this is no test (z reaches 4.6 on random ones): see `score_found`.

    Args:
        matrix: Weights; dims (component, other).
        labels: Module of each component.
        statistic: A name in `STATISTICS`.
        seed: Seed of the permutations.
        strata: Stratum of each component; None for a single one.
        repeats: Number of permutations.

    Returns:
        value, z (value minus the null's mean, over its standard deviation), p_value, null_mean,
        null_sd; dims null: null_value; dims component: label. Attributes statistic, null,
        negative_share.

    Raises:
        InputError: If the matrix is unfit, labels do not fit it or are all the same, or the
            statistic is unknown.
    """
    checked = check_matrix(matrix)
    given = _check_labels(labels, len(checked))
    score = STATISTICS[one_of("statistic", statistic, STATISTICS)]
    at_least("repeats", repeats, 1, "Use 199.")
    weights = checked.to_numpy()
    strata_labels = strata_of(strata, len(given))
    null, exact = relabelings(given, strata_labels, stream_seed("score given", seed), repeats)
    values = np.array([score(weights, canonical(row)) for row in null])
    result = _against(score(weights, given), values, exact)
    return _described(result, checked, given, {"statistic": statistic, "null": "same sizes"})


def score_found(
    matrix: xr.DataArray,
    statistic: str,
    seed: int,
    null: str | xr.DataArray = "pairs",
    search: str | Callable[[Array, int], Labels] = DEFAULT,
    strata: Sequence[object] | None = None,
    repeats: int = REPEATS,
) -> xr.Dataset:
    """Score of the partition that a search finds in a matrix, the search repeated on null matrices.

    The number of modules is chosen anew in every null matrix, by the same rule: the largest signed
    modularity. p = (r + 1)/(n + 1), r the number of n null matrices whose score is at least as
    large. Where a null matrix gives no score (a silhouette of one module), it counts as larger.

    Args:
        matrix: Weights; dims (component, other).
        statistic: A name in `STATISTICS`.
        seed: Seed of the search and of the null.
        null: A name in `NULLS`, or null matrices from elsewhere (shuffled weights, random
            initialisations, shuffled labels); dims (null, component, other).
        search: A name in `GRAPH_ALGORITHMS`, or a function of (weights, seed) to labels.
        strata: Stratum of each component, which the nulls `pairs` and `configuration` keep.
        repeats: Number of null matrices, where the null is a name.

    Returns:
        As `score_given`.

    Raises:
        InputError: If the matrix, the null matrices or a name are unfit.
    """
    checked = check_matrix(matrix)
    score = STATISTICS[one_of("statistic", statistic, STATISTICS)]
    weights = checked.to_numpy()
    matrices = _null_matrices(checked, null, seed, strata, repeats)

    def find(values: Array, number: int) -> Labels:
        inner = stream_seed("score found", seed, number)
        if callable(search):
            return canonical(search(values, inner))
        return best_modules(values, search, inner, LARGEST)

    labels = find(weights, 0)
    found = starmap(find, zip(matrices, range(1, len(matrices) + 1), strict=True))
    values = np.array([score(m, found_in) for m, found_in in zip(matrices, found, strict=True)])
    result = _against(score(weights, labels), values, exact=False)
    name = null if isinstance(null, str) else "given"
    return _described(result, checked, labels, {"statistic": statistic, "null": name})


def _null_matrices(
    matrix: xr.DataArray,
    null: str | xr.DataArray,
    seed: int,
    strata: Sequence[object] | None,
    repeats: int,
) -> Array:
    if isinstance(null, str):
        draw = NULLS[one_of("null", null, NULLS)]
        at_least("repeats", repeats, 1, "Use 199.")
        generator = np.random.default_rng(stream_seed("null", null, seed))
        groups = strata_of(strata, len(matrix))
        return draw(matrix.to_numpy(), groups, repeats, generator)
    if set(null.dims) != {"null", "component", "other"} or null.sizes["null"] == 0:
        rule = "must have the dims null, component, other"
        raise InputError("null", rule, null.dims, "Stack the null matrices.")
    ordered = null.transpose("null", "component", "other")
    return np.stack([_like(each, matrix).to_numpy() for each in ordered])


def _like(null: xr.DataArray, matrix: xr.DataArray) -> xr.DataArray:
    """A null matrix, checked.

    Raises:
        InputError: If it holds another number of components.
    """
    checked = check_matrix(null)
    if checked.shape != matrix.shape:
        rule, size = f"must hold {len(matrix)} components", len(checked)
        raise InputError("null", rule, size, "Measure the same components.")
    return checked


def _check_labels(labels: Sequence[int] | Labels, count: int) -> Labels:
    if len(labels) != count:
        rule = f"must have one label for each of {count} components"
        raise InputError("labels", rule, len(labels), "Give a module to each component.")
    given = canonical(labels)
    if given.max() in (0, count - 1):
        rule, remedy = "must make two modules or more, one with two components", "Group some."
        raise InputError("labels", rule, f"{int(given.max()) + 1} for {count}", remedy)
    return given


def _against(value: float, null: Array, exact: bool) -> xr.Dataset:
    reached = int((~(null < value - ROUNDING * max(1.0, abs(value)))).sum())
    p_value = reached / len(null) if exact else (reached + 1) / (len(null) + 1)
    known = null[np.isfinite(null)]
    mean, sd = (float(known.mean()), float(known.std())) if known.size else (np.nan, np.nan)
    z = (value - mean) / sd if sd > ROUNDING * max(1.0, abs(mean)) else np.nan
    numbers = {"value": value, "z": z, "p_value": p_value, "null_mean": mean, "null_sd": sd}
    return xr.Dataset({**numbers, "null_value": ("null", null)})


def _described(
    result: xr.Dataset, matrix: xr.DataArray, labels: Labels, names: dict[str, str]
) -> xr.Dataset:
    share = negative_share(matrix.to_numpy())
    named = result.assign_coords(component=matrix.component.to_numpy())
    return named.assign(label=("component", labels)).assign_attrs(**names, negative_share=share)
