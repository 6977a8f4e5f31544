"""Agreement of two groupings of the same components, against chance within layers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import xarray as xr
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.clustering import Labels, canonical
from somite.modularity.nulls.relabeling import relabelings
from somite.modularity.series import Array

ROUNDING = 1e-12


@dataclass(frozen=True)
class Agreement:
    """How well two groupings agree.

    Args:
        ari: Adjusted Rand index: 1 the same, 0 as chance.
        ami: Adjusted mutual information: 1 the same, 0 as chance.
        p_value: Share of the relabelings within layers whose ARI is at least as large.
        z: ARI minus its mean over the relabelings, divided by their standard deviation; NaN where
            the relabelings do not differ.
        ami_p_value: As p_value, of the AMI.
    """

    ari: float
    ami: float
    p_value: float
    z: float
    ami_p_value: float


def agreement(
    first: Sequence[int] | Labels,
    second: Sequence[int] | Labels,
    layers: Sequence[object],
    seed: int,
    permutations: int = 10_000,
) -> Agreement:
    """ARI and AMI of two groupings, with a permutation test that keeps the layers.

    Heads of one layer resemble each other in everything, so that two groupings that only tell
    layers apart agree without saying anything about heads. The labels of `second` are therefore
    permuted inside each layer only. p = (r + 1)/(n + 1), r the number of n permutations with an ARI
    at least as large as the observed one; where there are no more than `permutations` orders in
    all, each is used once and p = r/n is exact.

    An `InputError` refuses labels of different lengths.

    Args:
        first: Labels (component,).
        second: Labels of the same components.
        layers: Layer of each component.
        seed: Seed of the permutations.
        permutations: Number of random permutations.

    Returns:
        The agreement.

    Example:
        >>> found = agreement([0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], seed=0)
        >>> Agreement(**{name: round(value, 3) for name, value in vars(found).items()})
        Agreement(ari=1.0, ami=1.0, p_value=0.333, z=1.414, ami_p_value=0.333)
    """
    one, two = _check(first, second, layers)
    at_least("permutations", permutations, 1, "Use 10000.")
    strata = canonical(np.unique(np.asarray(layers, dtype=str), return_inverse=True)[1])
    null, exact = relabelings(two, strata, seed, permutations)
    tables = np.concatenate([_tables(one, two[None]), _tables(one, null)])
    # Group sizes never change: ARI is linear in Σ n², AMI in Σ n log n over the cells.
    pairs = (tables**2).sum((1, 2))
    shared = (tables * np.log(np.maximum(tables, 1))).sum((1, 2))
    spread = float(pairs[1:].std())
    z = float((pairs[0] - pairs[1:].mean()) / spread) if spread > 0 else float("nan")
    ari, ami = adjusted_rand_score(one, two), adjusted_mutual_info_score(one, two)
    p_value, ami_p_value = (_chance(values, exact) for values in (pairs, shared))
    return Agreement(float(ari), float(ami), p_value, z, ami_p_value)


def agreement_table(
    views: Mapping[str, Sequence[int] | Labels],
    layers: Sequence[object],
    seed: int,
    permutations: int = 10_000,
) -> xr.Dataset:
    """Agreement of every two of several groupings.

    Args:
        views: Labels (component,) by the name of the view.
        layers: Layer of each component.
        seed: Seed of the permutations.
        permutations: Number of random permutations for each pair.

    Returns:
        dims (view, view_other): ari, ami, p_value, z; on the diagonal ari = ami = 1, p_value and z
        NaN, since a view's agreement with itself is no finding.

    Raises:
        InputError: As `agreement`, or if there is no view.
    """
    if not views:
        raise InputError("views", "must hold at least one grouping", 0, "Group by curves first.")
    names = list(views)
    fields = ("ari", "ami", "p_value", "z")
    table = {field: np.eye(len(names)) for field in fields}
    for field in ("p_value", "z"):
        np.fill_diagonal(table[field], np.nan)
    for j, i in combinations(range(len(names)), 2):
        pair = (names[j], names[i])
        pair_seed = stream_seed("agreement of", *pair, seed)
        found = agreement(views[pair[0]], views[pair[1]], layers, pair_seed, permutations)
        for field in fields:
            table[field][i, j] = table[field][j, i] = getattr(found, field)
    coords = {"view": names, "view_other": names}
    return xr.Dataset({f: (("view", "view_other"), table[f]) for f in fields}, coords)


def _check(
    first: Sequence[int] | Labels, second: Sequence[int] | Labels, layers: Sequence[object]
) -> tuple[Labels, Labels]:
    lengths = (len(first), len(second), len(layers))
    if len(set(lengths)) > 1:
        rule, remedy = "must have one label for each component", "Give the same components to all."
        raise InputError("labels", rule, f"lengths {lengths}", remedy)
    if len(first) < 2:
        remedy = "Compare groupings of more components."
        raise InputError("labels", "must hold at least 2 components", len(first), remedy)
    return canonical(first), canonical(second)


def _tables(one: Labels, many: Labels) -> Array:
    """Contingency tables of `one` with each row of `many` (row, group, group)."""
    first = np.eye(int(one.max()) + 1)[one]  # (component, group)
    second = np.eye(int(many.max()) + 1)[many]  # (relabeling, component, group)
    tables: Array = first.T @ second
    return tables


def _chance(values: Array, exact: bool) -> float:
    """Share of the values after the first that reach it, up to rounding."""
    reached = int((values[1:] >= values[0] - ROUNDING * abs(values[0])).sum())
    count = len(values) - 1
    return reached / count if exact else (reached + 1) / (count + 1)
