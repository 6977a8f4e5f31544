"""What the draws of all pairs say: interactions, the modules they form, and against chance.

Two kinds of modules, by the sign of what joins their components: redundant ones, partitions of I,
and cooperating ones, partitions of −I. Both are sought in the same way.
"""

import numpy as np
import xarray as xr
from scipy.stats import norm

from somite.estimators.interaction import interaction, pair_matrix, weights
from somite.modularity import (
    false_discovery,
    find_modules,
    holm,
    is_modular,
    resampled_matrices,
)
from somite.modularity.groups import layer_types
from somite.modularity.matrix import off_diagonal
from somite.modularity.modules import DEFAULT, best_modules
from somite.modularity.partition import LARGEST
from somite.modularity.statistics import modularity
from somite.sampling.status import CONVERGED

RELATIONS = {"redundant": 1.0, "cooperating": -1.0}
"""Kinds of modules, and the sign of the interactions that join their components."""


def modules_of(draws: xr.Dataset, seed: int) -> xr.Dataset:
    """Interactions of all pairs, the modules that they form, and whether that is more than chance.

    Args:
        draws: Of all components and the unions of their pairs, see `somite.pairs`.
        seed: Seed of the resampling, the search and the null.

    Returns:
        Over (component, other): `interaction`, `mcse`, `z`, `remark`, and `q_value`, the p-value of
        z (two-sided) corrected for the number of pairs (Benjamini and Hochberg); over replicate:
        `replicate_interaction`, from resampled chains and draws; over relation (`RELATIONS`): what
        `partitioned` returns, and `p_adjusted`, its p-value corrected for the two (Holm).
    """
    table = interaction(draws, on_failure="leave out")
    columns = {name: pair_matrix(table[name]) for name in ("interaction", "mcse", "z")}
    again = resampled_matrices(pair_series(draws, table), seed)
    table["p_value"] = two_sided(table.z)
    columns["q_value"] = pair_matrix(false_discovery(table.p_value))
    columns["replicate_interaction"] = again.replicates.astype(np.float32)
    relations = xr.DataArray(list(RELATIONS), dims="relation", name="relation")
    found = [partitioned(s * again.matrix, s * again.replicates, seed) for s in RELATIONS.values()]
    both = xr.concat(found, relations)
    merged = xr.Dataset(columns).merge(both.assign(p_adjusted=holm(both.p_value)))
    return merged.assign_attrs(algorithm=DEFAULT, remarks=int((table.remark != "").sum()))


def of_relation(found: xr.Dataset, relation: str) -> xr.Dataset:
    """One kind of modules, with the interactions of the sign that joins its components.

    Args:
        found: Of `modules_of`.
        relation: A name in `RELATIONS`.

    Returns:
        Without the dim relation; `interaction`, `z` and `replicate_interaction` turned.
    """
    one, sign = found.sel(relation=relation, drop=True), RELATIONS[relation]
    return one.assign({name: sign * one[name] for name in TURNED if name in one})


TURNED = ("interaction", "z", "replicate_interaction")


def partitioned(matrix: xr.DataArray, replicates: xr.DataArray, seed: int) -> xr.Dataset:
    """Modules of a matrix of interactions, and how modular it is.

    Args:
        matrix: Interactions (component, other), or these with their sign turned.
        replicates: Resampled ones (replicate, component, other).
        seed: Seed of the search and of the null.

    Returns:
        `label`, `module_stability`, `replicate_label`, `n_modules`, `stability` and `note` of
        `find_modules`; `modularity`, `modularity_z` and `p_value` of the partition with the
        largest, the search repeated on weights shuffled among pairs within layers and types;
        `null_mean`, `null_low` and `null_high` (95 %) of these; `replicate_modularity`, the largest
        of each replicate. Where no weight is above zero every component is alone, and the note says
        so.
    """
    if not (off_diagonal(matrix.values) > 0).any():
        return _alone(matrix, replicates)
    found = find_modules(matrix, replicates, seed)
    test = is_modular(matrix, seed, strata=layer_types(matrix.component.values))
    low, high = np.quantile(test.null_value, [0.025, 0.975])
    best = [modularity(r, best_modules(r, DEFAULT, seed, LARGEST)) for r in replicates.values]
    numbers = {
        "modularity": test.value,
        "modularity_z": test.z,
        "p_value": test.p_value,
        "null_mean": test.null_mean,
        "null_low": low,
        "null_high": high,
        "replicate_modularity": ("replicate", np.array(best)),
    }
    said = {name: found.attrs[name] for name in ("n_modules", "stability", "note")}
    kept = found[["label", "module_stability", "replicate_label"]]
    return kept.drop_attrs().assign(numbers | said)


def _alone(matrix: xr.DataArray, replicates: xr.DataArray) -> xr.Dataset:
    """No modules: nothing holds two components together."""
    names, count = matrix.component.values, replicates.sizes["replicate"]
    zeros = dict.fromkeys(("modularity", "null_mean", "null_low", "null_high"), 0.0)
    variables = {
        "label": ("component", np.arange(len(names))),
        "module_stability": ("component", np.ones(len(names))),
        "replicate_label": (("replicate", "component"), np.tile(np.arange(len(names)), (count, 1))),
        "replicate_modularity": ("replicate", np.zeros(count)),
        **zeros,
        "modularity_z": float("nan"),
        "p_value": 1.0,
        "n_modules": len(names),
        "stability": 1.0,
        "note": "No pair has this sign: every component is alone.",
    }
    return xr.Dataset(variables, {"component": names})


def pair_series(draws: xr.Dataset, table: xr.Dataset) -> xr.DataArray:
    """n_beta·(l_A + l_B − l_AB) of all pairs at each draw (component, other, chain, draw)."""
    losses, n_beta = draws.loss.where(draws.status == CONVERGED), draws.attrs["n_beta"]
    names = list(dict.fromkeys([*table["first"].values.tolist(), *table["second"].values.tolist()]))
    shape = (len(names), len(names), draws.sizes["chain"], draws.sizes["draw"])
    dims = ("component", "other", "chain", "draw")
    series = xr.DataArray(np.full(shape, np.nan), {"component": names, "other": names}, dims)
    for pair in table.pair:
        a, b = pair["first"].item(), pair["second"].item()
        parts = [sign * losses.sel(component=name) for name, sign in weights((a, b)).items()]
        series.loc[a, b] = series.loc[b, a] = n_beta * sum(part.values for part in parts)
    return series


def two_sided(z: xr.DataArray) -> xr.DataArray:
    """Two-sided p-value of a standard normal z; 1 where it is not a number."""
    return z.copy(data=np.nan_to_num(2 * norm.sf(abs(z.values)), nan=1.0))
