"""How much each component is coupled to all others, and how well a partition cuts them apart.

    c_C = 1 − ν_C / λ_C                      coupling of a component
    T = Σ_C λ_C − λ_full                     total coupling
    cut(P) = Σ_{M ∈ P} λ_M − λ_full          what a partition cuts
    MLLC(P) = 1 − cut(P) / T                 its score

λ_C comes from chains that move C alone, the share ν_C = n_beta · E[½ Δw·∂L] over C from the full
chain that moves all. In a quadratic basin 0 ≤ c ≤ 1 and Σ (λ_C − ν_C) = T ≥ cut ≥ 0, each 0
exactly if nothing couples. The anharmonicity R of the full chain says whether this holds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from somite.components.unions import FULL, Partition, module_members, union_name
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.estimators.joint import Joint, joined, joint, require_components, require_whole
from somite.estimators.series import ratio, scale
from somite.estimators.shares import gate
from somite.sampling.convergence import loss_error, mean_error

REMEDY = "Sample the masks of `somite.modules(components)` in one call."
LEAST_NULLS = 2


def coupling(
    draws: xr.Dataset | Sequence[xr.Dataset],
    components: Sequence[str] | None = None,
    on_failure: str = "raise",
) -> xr.Dataset:
    """Estimate the coupling of every component with the rest, and the total coupling.

    All errors come from the joint (chain, draw) series; those of coefficients are the larger of
    that of minibatch losses and that on the probe named "reference"; that of a ratio is that of
    its first-order change.

    Args:
        draws: From `somite.sample` with the masks of `somite.modules` for components (which hold
            "full") and the components themselves for blocks.
        components: Names of those that make up "full"; the blocks of the draws if left out.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component,
            and count them.

    Returns:
        Dimensionless, over component: `llc`, `share`, `gap` (λ − ν), `coupling`, each with
        `_mcse` (that of llc is `mcse`); and `llc_full`, `total_coupling`, each with `_mcse`;
        `anharmonicity`, `anharmonicity_mcse` of the full chain and `remark`, words if the quadratic
        theorems do not hold; `chains_failed`. The attributes are those of the draws.

    Raises:
        InputError: If runs differ in a setting such as n_beta or localization, a component or its
            block is missing, they overlap or do not cover the whole, or a chain failed.

    Source: docs/glossary.md; in a quadratic basin `somite.theory.gaussian_truth`.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.weight**2).sum().expand(len(batch))
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> masks = {"A": so.Mask({"weight": torch.tensor([[True, False]])}),
        ...          "B": so.Mask({"weight": torch.tensor([[False, True]])})}
        >>> draws = so.sample(model, so.Target(loss, torch.zeros(1), 10, 1), so.BAOAB(0.2, 2.0),
        ...                   components=so.modules(masks), blocks=masks, draws=40)
        >>> abs(coupling(draws).total_coupling.item()) < 1e-5
        True
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    draws = joined(draws)
    n_beta, names = scale(draws), _components(draws, components)
    require_blocks(draws, names)
    series = _joint(draws, [*names, FULL], on_failure)
    rows = [_row(series, name, n_beta) for name in names]
    columns = {name: ("component", [row[name] for row in rows]) for name in rows[0]}
    totals = {"llc_full": {FULL: 1.0}, "total_coupling": cut_weights(names)}
    return xr.Dataset(
        {**columns, **_estimates(series, totals), **_gate(series)},
        {"component": names},
        draws.attrs,
    )


def partition_score(
    draws: xr.Dataset | Sequence[xr.Dataset],
    partition: Partition,
    nulls: Sequence[Partition] = (),
    on_failure: str = "raise",
) -> xr.Dataset:
    """Estimate what a partition cuts, and its score against random partitions of the same sizes.

    The score falls in the number of modules whatever they are: only against random partitions of
    the same sizes does it say anything. This z is for partitions given from outside. One that was
    found from the same draws needs the whole search repeated on every null.

    Args:
        draws: From `somite.sample` with the masks of `somite.modules(components, [partition,
            *nulls])`.
        partition: Components by module.
        nulls: From `somite.components.random_partitions`, 20 or more.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component,
            and count them.

    Returns:
        Dimensionless: `cut`, `total_coupling`, `score`, each with `_mcse` from the joint series
        (NaN score if T is not above 0 by 2 errors); with nulls also `null_score` (null,), `z` of
        the cut, (mean of nulls − cut) / their spread, and `p` = (r + 1)/(n + 1), r of n null cuts
        being no larger; `anharmonicity`, `anharmonicity_mcse`, `remark`, `chains_failed`.

    Raises:
        InputError: If the partition is not one of the components, a module was not sampled, there
            is one null, settings differ, or a chain failed.

    Source: docs/glossary.md and the definitions in the module's head.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.weight.sum() ** 2).expand(len(batch))
        >>> model = torch.nn.Linear(3, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> rows = torch.eye(3, dtype=torch.bool)[:, None]
        >>> masks = {name: so.Mask({"weight": row}) for name, row in zip("ABC", rows)}
        >>> halves = {"left": ["A", "B"], "right": ["C"]}
        >>> draws = so.sample(model, so.Target(loss, torch.zeros(1), 10, 1), so.BAOAB(0.2, 2.0),
        ...                   components=so.modules(masks, [halves]), draws=200)
        >>> bool(0.2 < partition_score(draws, halves).score < 0.8)
        True
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    draws = joined(draws)
    scale(draws)
    names = [name for members in partition.values() for name in members]
    names = [str(name) for name in draws.component.values if name in names]
    wanted = [_modules(draws, names, one) for one in (partition, *nulls)]
    every = dict.fromkeys([*names, FULL, *(module for one in wanted for module in one)])
    series = _joint(draws, list(every), on_failure)
    found = _estimates(
        series, {"cut": cut_weights(wanted[0]), "total_coupling": cut_weights(names)}
    )
    found |= _score(series, wanted[0], names, found)
    if nulls:
        at_least("number of nulls", len(nulls), LEAST_NULLS, "Take 20 or more.")
        cuts = [series.estimate(cut_weights(one))[0] for one in wanted[1:]]
        found |= _against(found["cut"], np.array(cuts), found["total_coupling"])
    return xr.Dataset({**found, **_gate(series)}, attrs=draws.attrs)


def cut_weights(modules: Sequence[str]) -> dict[str, float]:
    """What each coefficient counts in Σ λ_M − λ_full."""
    weights = dict.fromkeys(modules, 1.0)
    return {**weights, FULL: weights.get(FULL, 0.0) - 1.0}


def require_blocks(draws: xr.Dataset, names: Sequence[str]) -> None:
    """Require that the shares of all components were recorded in the full chain.

    Raises:
        InputError: If one was not.
    """
    blocks = [str(name) for name in draws.block.values] if "block" in draws.dims else []
    if missing := [name for name in names if name not in blocks]:
        remedy = "Pass the components as blocks to `somite.sample` as well."
        raise InputError("blocks of the draws", f"must hold {missing}", blocks, remedy)


def _components(draws: xr.Dataset, components: Sequence[str] | None) -> list[str]:
    """Names of the components, which make up the whole."""
    blocks = draws.block.values if "block" in draws.dims else []
    names = [str(name) for name in (blocks if components is None else components)]
    at_least("number of components", len(names), 2, "Two are needed to be coupled.")
    require_components(draws, [*names, FULL], REMEDY)
    require_whole(draws, names, FULL)
    return names


def _modules(draws: xr.Dataset, names: list[str], partition: Partition) -> list[str]:
    """Names under which the modules of a partition were sampled."""
    members = module_members(names, partition).values()
    held = [FULL if len(inside) == len(names) else union_name(inside) for inside in members]
    require_components(draws, [*held, FULL], "Sample `somite.modules(components, partitions)`.")
    require_whole(draws, held, FULL)
    return held


def _joint(draws: xr.Dataset, names: list[str], on_failure: str) -> Joint:
    """Series of all components.

    Raises:
        InputError: If no chain is good in all of them.
    """
    series = joint(draws, names, on_failure)
    if series is None:
        rule = "must have a chain that is good in all components"
        raise InputError("draws", rule, "none", "Mend the sampler settings.")
    return series


def _row(series: Joint, name: str, n_beta: float) -> dict[str, float]:
    full = series.draws.sel(component=FULL)
    share, loss = n_beta * full.block_share.sel(block=name).values, series.loss[name]
    kept, error = ratio(share, loss)
    value, mcse = series.estimate({name: 1.0})
    gap = loss - share
    return {
        "llc": value,
        "mcse": mcse,
        "share": float(share.mean()),
        "share_mcse": mean_error(share),
        "gap": float(gap.mean()),
        "gap_mcse": mean_error(gap),
        "coupling": 1 - kept,
        "coupling_mcse": error,
    }


def _estimates(series: Joint, wanted: dict[str, dict[str, float]]) -> dict[str, float]:
    found = {}
    for name, weights in wanted.items():
        found[name], found[f"{name}_mcse"] = series.estimate(weights)
    return found


def _score(
    series: Joint, modules: Sequence[str], names: Sequence[str], found: dict[str, float]
) -> dict[str, float]:
    total, error = found["total_coupling"], found["total_coupling_mcse"]
    if not total > 2 * error:
        return {"score": float("nan"), "score_mcse": float("nan")}
    cut, whole = cut_weights(modules), cut_weights(names)
    kept = found["cut"] / total
    change = {
        name: (cut.get(name, 0.0) - kept * whole.get(name, 0.0)) / total for name in {*cut, *whole}
    }
    spread = loss_error(series.combined(change), series.combined_probe(change))
    return {"score": 1 - kept, "score_mcse": spread}


def _against(cut: float, nulls: np.ndarray, total: float) -> dict[str, Any]:
    """The cut against those of random partitions, small cuts being good."""
    spread = float(nulls.std(ddof=1))
    return {
        "null_score": ("null", 1 - nulls / total if total else np.full(len(nulls), np.nan)),
        "z": (float(nulls.mean()) - cut) / spread if spread else float("nan"),
        "p": (int((nulls <= cut).sum()) + 1) / (len(nulls) + 1),
    }


def _gate(series: Joint) -> dict[str, Any]:
    """Anharmonicity of the full chain, and how many chains were left out."""
    return {**gate(series.draws.sel(component=FULL)), "chains_failed": series.chains_failed}
