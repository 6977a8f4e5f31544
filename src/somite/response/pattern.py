"""Patterning: which change of the data would make the structure that is wanted?

Adding h_j of the data j to the mixture, q_h = q + Σ_j h_j (q_j − q), moves E[φ_i] by Σ_j A_ij h_j
to first order, A = n_beta χ. `somite.response.solve` says how A h = b is solved.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import at_least, not_negative, one_of, positive
from somite.core.errors import InputError, nearest
from somite.response.blocks import Array
from somite.response.by_chain import CHAIN
from somite.response.solve import METHODS, Problem

COMPONENT = "component"
Shares = Mapping[str, float] | xr.DataArray


def pattern(
    responses: xr.DataArray,
    wanted: Mapping[str, float],
    method: str = "ridge",
    *,
    budget: float | None = None,
    norm: float | None = None,
    ridge: float | None = None,
    shares: Shares | None = None,
) -> xr.Dataset:
    """Solve for the change of the data that makes a wanted change of observables.

    Args:
        responses: A (chain, component, item, …) from `somite.responses`, or without chains where it
            is exact; observables of several calls may be put together along component.
        wanted: Change of E[φ] of some components, in the units of φ; the others are free.
        method: "ridge", "pseudo_inverse" or "nonnegative" (for up to some thousand items).
        budget: Most total change Σ|h|; h is shortened to it and keeps its direction.
        norm: Largest ‖h‖, likewise.
        ridge: λ in place of the variances, relative to rows of length 1.
        shares: Share of each item in the training data, by name or over the items; they sum to 1,
            and the reference must be that mixture. Then h sums to 0, and with "nonnegative"
            shares + h are shares again; without them "nonnegative" means h ≥ 0.

    Returns:
        Over the items `weight`, h; over component `wanted` (NaN: free) and `predicted`, A h. From
        chains also `predicted_error`, sd of A_k h over chains / √chains, which knows nothing of h
        being fitted to their noise, and from three chains on `held_out`, the mean effect on a chain
        of what was solved on the others, with `held_out_error`. Attributes: `method`, `rank`, and
        `scale`, the factor by which h was shortened.

    Raises:
        InputError: If responses are not finite or lack a component that is wanted, do not determine
            a pseudo-inverse, or come from one chain; or a number or share breaks its rule.

    Source: Patterning (arXiv 2601.13548), dq = χ⁺ dμ / n_beta.

    Example:
        >>> items = {"component": ["head", "text"], "domain": ["a", "b", "c"]}
        >>> exact = xr.DataArray([[1.0, 0.0, -1.0], [0.0, 2.0, 0.0]], items)
        >>> found = pattern(exact, {"head": 0.5, "text": 0.0}, "pseudo_inverse")
        >>> found.weight.values.round(6).tolist(), found.predicted.values.round(6).tolist()
        ([0.25, 0.0, -0.25], [0.5, 0.0])
    """
    one_of("method", method, METHODS)
    for name, value in (("budget", budget), ("norm", norm)):
        if value is not None:
            positive(name, value)
    if ridge is not None:
        not_negative("ridge", ridge)
    dims, chains = _table(responses, method, ridge)
    items = responses.isel({d: 0 for d in (CHAIN, COMPONENT) if d in responses.dims}, drop=True)
    items = items.transpose(*dims)
    goal = _goal(responses, wanted)
    base = None if shares is None else _shares(items, shares)
    problem = Problem(method, goal, base, budget, norm, ridge)
    rank = problem.rank(chains)
    weight, scale = problem.solve(chains)
    found = xr.Dataset(attrs={"method": method, "rank": rank, "scale": scale})
    found["weight"] = items.copy(data=weight.reshape(items.shape)).rename("weight")
    found = found.assign_coords({COMPONENT: responses[COMPONENT].values})
    effects = {"wanted": goal, **_effects(problem, chains, weight)}
    return found.assign({name: (COMPONENT, values) for name, values in effects.items()})


def _table(responses: xr.DataArray, method: str, ridge: float | None) -> tuple[list[Any], Array]:
    """Names of the axes of the items, and A (chain, component, item).

    Raises:
        InputError: If it is no table of responses.
    """
    dims = [d for d in responses.dims if d not in (CHAIN, COMPONENT)]
    if COMPONENT not in responses.dims or not dims:
        rule, remedy = "must have the dims component and items", "Pass what `so.responses` gives."
        raise InputError("responses", rule, responses.dims, remedy)
    if not np.isfinite(responses.values).all():
        raise InputError("responses", "must be finite", "NaN or infinite", "Leave chains out.")
    if CHAIN in responses.dims:
        at_least("number of chains", responses.sizes[CHAIN], 2, "Sample more chains.")
        table = responses.transpose(CHAIN, COMPONENT, *dims)
    else:
        table = responses.expand_dims(CHAIN).transpose(CHAIN, COMPONENT, *dims)
        if method != "pseudo_inverse" and ridge is None:
            rule, remedy = "must be given where responses have no chains", "Give 0 or more."
            raise InputError("ridge", rule, None, remedy)
    chains: Array = table.values.astype(np.float64)
    return dims, chains.reshape(*chains.shape[:2], -1)


def _goal(responses: xr.DataArray, wanted: Mapping[str, float]) -> Array:
    """What is wanted of every component, NaN where nothing is.

    Raises:
        InputError: If a name is unknown, a number not finite, or nothing is wanted.
    """
    names = [str(name) for name in responses[COMPONENT].values]
    at_least("number of wanted components", len(wanted), 1, "Name one.")
    goal = np.full(len(names), np.nan)
    for name, value in wanted.items():
        if not np.isfinite(value):
            raise InputError(f"wanted of {name}", "must be finite", value, "Leave it out if free.")
        if name not in names:
            raise InputError("wanted", "must name components", name, nearest(name, names))
        goal[names.index(name)] = value
    return goal


def _shares(items: xr.DataArray, shares: Shares) -> Array:
    """Shares of the items (item,).

    Raises:
        InputError: If one is missing or negative, or their sum is not 1.
    """
    if isinstance(shares, Mapping):
        names = [str(name) for name in items[items.dims[0]].values]
        if items.ndim > 1 or set(names) != set(shares):
            remedy = "Give one share to each."
            raise InputError("shares", f"must name the items {names}", list(shares), remedy)
        values = np.array([shares[name] for name in names], dtype=np.float64)
    elif shares.sizes != items.sizes:
        remedy = "Give one share to each."
        rule = f"must have the sizes {dict(items.sizes)}"
        raise InputError("shares", rule, dict(shares.sizes), remedy)
    else:
        values = shares.transpose(*items.dims).values.astype(np.float64).ravel()
    if not ((values >= 0).all() and abs(values.sum() - 1) < 1e-6):
        rule, remedy = "must be zero or more and sum to 1", "Divide them by their sum."
        raise InputError("shares", rule, values.tolist(), remedy)
    return values


def _effects(problem: Problem, chains: Array, weight: Array) -> dict[str, Array]:
    """Predicted changes (component,) with their errors, from A (chain, component, item)."""
    count, single = len(chains), chains @ weight
    found = {"predicted": single.mean(0)}
    if count > 1:
        found["predicted_error"] = single.std(0, ddof=1) / count**0.5
    if count > 2:
        others = [problem.solve(np.delete(chains, k, 0))[0] for k in range(count)]
        tried = np.stack([chain @ h for chain, h in zip(chains, others, strict=True)])
        found["held_out"] = tried.mean(0)
        found["held_out_error"] = tried.std(0, ddof=1) / count**0.5
    return found
