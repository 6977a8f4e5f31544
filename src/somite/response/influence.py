"""Bayesian influence: how the loss of one example answers to the weight of another.

    influence(i, j) = −Cov(L_i, L_j)     the response of E[L_j], over n_beta, to more of example i
    correlation(i, j) = Cov(L_i, L_j) / √(Var L_i · Var L_j)

under the local posterior of a component. Negative influence: learning i lowers the loss of j too.
Between tokens L_i is the loss of a token. To first order −Cov = −g_iᵀ (n_beta H + γ)⁻¹ g_j, the
damped influence function of `somite.classical_influence`, γ the localization.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.response.blocks import Array, Blocks, check_enough

COLUMNS = ("influence", "influence_mcse", "correlation", "correlation_mcse")
LEADING = ("component", "chain", "probe_draw")


def influence(
    losses: xr.DataArray,
    queries: xr.DataArray | None = None,
    *,
    dense: bool = False,
    errors: bool = True,
    on_failure: str = "raise",
) -> xr.Dataset:
    """Estimate the influence of all examples, or tokens, on all queries, for every component.

    Sums run over the N draws of all chains and are divided by N − 1. Errors come from first-order
    series over (chain, draw), (L_i − E L_i)(L_j − E L_j) for the covariance, and
    z_i z_j − ρ (z_i² + z_j²)/2 with standardised losses z for the correlation: the larger of that
    between chains and that of resampled blocks of √draws draws.

    Args:
        losses: Differences to the center on fixed examples (component, chain, probe_draw, example
            [, token]): `somite.recorded(path, probe).loss`, or `draws.example_loss`.
        queries: Losses of other examples at the same draws; the same ones if left out.
        dense: Whether an array of all pairs of tokens is wanted; else `top_influences` finds the
            largest ones without it.
        errors: Whether to estimate errors, which needs 2 chains and 8 draws.
        on_failure: "raise" if a chain has NaN, or "leave out" chains that have in any component.

    Returns:
        Over (component, query, example), with tokens (component, query, query_token, example,
        token): `influence` (loss²), `correlation`, NaN where a loss does not vary, and their
        `_mcse`; `chains_failed`. Attributes of the losses.

    Raises:
        InputError: If losses and queries are not of the same draws, tokens are given without
            `dense`, a loss is not finite, or there are too few chains or draws.

    Source: Bayesian influence functions (arXiv 2509.26544).

    Example:
        >>> values = np.random.default_rng(0).normal(size=(1, 2, 50, 3))
        >>> values[..., 1] = 2 * values[..., 0]
        >>> axes = ("component", "chain", "probe_draw", "example")
        >>> found = influence(xr.DataArray(values, {"component": ["full"]}, axes))
        >>> found.correlation.sel(component="full", query=0, example=1).round(6).item()
        1.0
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    first, second, good = matched(losses, queries, on_failure)
    if max(first.ndim, second.ndim) > 4 and not dense:
        rule, remedy = "must be True for all pairs of tokens", "Or take somite.top_influences."
        raise InputError("dense", rule, False, remedy)
    if errors:
        check_enough(int(good.sum()), first.sizes["probe_draw"])
    rows = []
    for i in range(first.sizes["component"]):
        mine, other = flattened(first, i, good), flattened(second, i, good)
        rows.append(table(other, mine, errors))
    shape = (*second.shape[3:], *first.shape[3:])
    dims = (*query_dims(second), *map(str, first.dims[3:]))
    columns = {
        name: (("component", *dims), np.stack([row[name] for row in rows]).reshape(-1, *shape))
        for name in rows[0]
    }
    found = xr.Dataset(columns, coordinates(first, second), losses.attrs)
    found["chains_failed"] = int((~good).sum())
    return found


def table(first: Array, second: Array, errors: bool) -> dict[str, Array]:
    """Influence and correlation of two sets of series, each (row, other row), with their errors.

    Args:
        first: (chain, draw, row).
        second: (chain, draw, row), of the same draws.
        errors: Whether errors are wanted.
    """
    count = first.shape[0] * first.shape[1]
    x, y = (values - values.mean((0, 1)) for values in (first, second))
    covariance = np.tensordot(x, y, axes=((0, 1), (0, 1))) / count
    scale = np.outer(x.std((0, 1)), y.std((0, 1)))
    empty = np.full_like(covariance, np.nan)
    correlation = np.divide(covariance, scale, out=empty, where=scale > 0)
    found = {"influence": -covariance * count / (count - 1), "correlation": correlation}
    if errors:
        pairs = _errors(x, y, covariance, correlation)
        found |= dict(zip(COLUMNS[1::2], pairs, strict=True))
    return {name: found[name] for name in COLUMNS if name in found}


def matched(
    losses: xr.DataArray, queries: xr.DataArray | None, on_failure: str
) -> tuple[xr.DataArray, xr.DataArray, Any]:
    """Losses and queries in one order of axes, and the chains that are whole in both (chain,).

    Raises:
        InputError: If they are not of the same draws, or a chain has NaN.
    """
    both = [losses] if queries is None else [losses, queries]
    for name, values in zip(("losses", "queries"), both, strict=False):
        if tuple(values.dims[:3]) != LEADING or values.ndim < 4:
            rule = f"must have the dims {', '.join(LEADING)}, example[, token]"
            raise InputError(name, rule, values.dims, "Take `somite.recorded(path, probe).loss`.")
    shapes = [values.shape[:3] for values in both]
    names = [values.component.values.tolist() for values in both]
    if any(shape != shapes[0] for shape in shapes) or any(name != names[0] for name in names):
        rule = "must have the components, chains and draws of the losses"
        raise InputError("queries", rule, shapes, "Record both probes in one run.")
    at_least("number of draws of all chains", int(np.prod(shapes[0][1:])), 2, "Draw more.")
    good = np.all([_whole(values) for values in both], axis=0)
    if on_failure == "raise" and not good.all():
        remedy = 'Mend the sampler settings, or pass on_failure="leave out".'
        raise InputError(
            "losses", "must be finite", f"{int((~good).sum())} chains that are not", remedy
        )
    at_least("number of good chains", int(good.sum()), 1, "Mend the sampler settings.")
    return losses, losses if queries is None else queries, good


def flattened(values: xr.DataArray, component: int, good: Any) -> Array:
    """Series of one component (chain, draw, row), all examples and tokens one after the other."""
    part: Array = values[component].values[good].astype(np.float64)
    return part.reshape(*part.shape[:2], -1)


def query_dims(values: xr.DataArray) -> tuple[str, ...]:
    """Names of the axes of the queries."""
    return ("query", *(f"query_{name}" for name in values.dims[4:]))


def coordinates(first: xr.DataArray, second: xr.DataArray) -> dict[str, Any]:
    """The components, and coordinates that examples or queries have."""
    names: Sequence[tuple[str, xr.DataArray, str]] = [
        *((str(dim), first, str(dim)) for dim in first.dims[3:]),
        *zip(query_dims(second), [second] * 9, map(str, second.dims[3:]), strict=False),
    ]
    found = {name: values[dim].values for name, values, dim in names if dim in values.coords}
    return {"component": first.component.values, **found}


def _whole(values: xr.DataArray) -> Any:
    """Chains without NaN in any component (chain,), one component in memory at a time."""
    parts = [np.isfinite(values[i].values) for i in range(values.sizes["component"])]
    return np.all([part.reshape(len(part), -1).all(1) for part in parts], axis=0)


def _errors(x: Array, y: Array, covariance: Array, correlation: Array) -> tuple[Array, Array]:
    """Errors of covariance and correlation from centred series, one block after the other."""
    chains, draws = x.shape[:2]
    blocks = Blocks.of(draws)
    starts = np.append(np.arange(0, draws, blocks.length), draws)
    one, two = (values.std((0, 1)) for values in (x, y))
    scale = np.outer(one, two)
    safe = np.where(scale > 0, scale, np.nan)
    along = np.zeros((2, *covariance.shape))
    between = np.zeros_like(along)
    for chain in range(chains):
        whole = np.zeros_like(along)
        for start, end, share in zip(starts, starts[1:], blocks.share, strict=False):
            a, b = x[chain, start:end], y[chain, start:end]
            product = a.T @ b / len(a)
            half = (a**2).mean(0)[:, None] / np.where(one > 0, one, np.nan)[:, None] ** 2
            half = half + (b**2).mean(0) / np.where(two > 0, two, np.nan) ** 2
            off = np.stack([product - covariance, product / safe - correlation * half / 2])
            along += (share / chains) ** 2 * off**2
            whole += share * off
        between += whole**2
    count = chains * len(blocks.share)
    along *= count / (count - 1)
    between /= max(chains - 1, 1) * chains
    largest = np.sqrt(np.maximum(along, between))
    return largest[0], largest[1]
