"""What the draws of all pairs say: interactions, the modules they form, and against chance."""

import numpy as np
import xarray as xr
from scipy.stats import norm

from somite.estimators.interaction import interaction, pair_matrix, weights
from somite.modularity import false_discovery, find_modules, is_modular, resampled_matrices
from somite.modularity.groups import layers_of
from somite.modularity.matrix import off_diagonal
from somite.modularity.modules import DEFAULT, best_modules
from somite.modularity.partition import LARGEST
from somite.modularity.statistics import modularity
from somite.sampling.status import CONVERGED


def modules_of(draws: xr.Dataset, seed: int) -> xr.Dataset:
    """Interactions of all pairs, the modules that they form, and whether that is more than chance.

    Args:
        draws: Of all components and the unions of their pairs, see `somite.pairs`.
        seed: Seed of the resampling, the search and the null.

    Returns:
        Over (component, other): `interaction`, `mcse`, `z`, `remark`, and `q_value`, the p-value of
        z (two-sided) corrected for the number of pairs (Benjamini and Hochberg); over replicate:
        `replicate_interaction`, from resampled chains and draws; and what `partitioned` returns.
    """
    table = interaction(draws, on_failure="leave out")
    columns = {name: pair_matrix(table[name]) for name in ("interaction", "mcse", "z")}
    again = resampled_matrices(pair_series(draws, table), seed)
    table["p_value"] = two_sided(table.z)
    columns["q_value"] = pair_matrix(false_discovery(table.p_value))
    columns["replicate_interaction"] = again.replicates.astype(np.float32)
    found = partitioned(again.matrix, again.replicates, seed)
    merged = xr.Dataset(columns).merge(found, combine_attrs="override")
    return merged.assign_attrs(found.attrs | {"remarks": int((table.remark != "").sum())})


def partitioned(matrix: xr.DataArray, replicates: xr.DataArray, seed: int) -> xr.Dataset:
    """Modules of a matrix of interactions, and how modular it is.

    Args:
        matrix: Interactions (component, other).
        replicates: Resampled ones (replicate, component, other).
        seed: Seed of the search and of the null.

    Returns:
        `label`, `module_stability`, `replicate_label` and attributes of `find_modules`;
        `modularity`, `modularity_z` and `p_value` of the partition with the largest, the search
        repeated on weights shuffled among pairs within layers; `null_mean`, `null_low` and
        `null_high` (95 %) of these; `replicate_modularity`, the largest of each replicate. Where no
        interaction is above zero every component is alone, and the note says so.
    """
    if not (off_diagonal(matrix.values) > 0).any():
        return _alone(matrix, replicates)
    found = find_modules(matrix, replicates, seed)
    test = is_modular(matrix, seed, strata=layers_of(matrix.component.values))
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
    return found[["label", "module_stability", "replicate_label"]].assign(numbers)


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
    }
    note = "No interaction is above zero: every component is alone."
    attrs = {"n_modules": len(names), "stability": 1.0, "algorithm": DEFAULT}
    return xr.Dataset(
        variables, {"component": names}, attrs | {"negative_share": 1.0, "note": note}
    )


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
