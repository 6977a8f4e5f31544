"""Susceptibilities: how an observable of a component answers when the data change a little.

The data are mixed, q_h = (1 − h) q + h q', so that the mean loss becomes L + h ΔL, ΔL = L' − L:

    χ = (1/n_beta) d⟨φ⟩_h / dh at h = 0 = −Cov[φ, ΔL]

The observable of component C is φ_C = δ(u − u*) (L(w) − L(w*)), u the weights outside of C.

    restricted   χ = −(E_C[φ ΔL] − E_C[φ] E_C[ΔL])      one chain, in which C alone moves
    full         χ = −(E_C[φ ΔL] − E_C[φ] E_full[ΔL])   and one in which everything moves

"restricted" is the response of the component's own mean loss E_C[L − L*], its rLLC over n_beta.
"full" is that of φ_C under the posterior of all weights, divided by Z_C/Z_full = ⟨δ(u − u*)⟩, a
positive factor that depends on the component alone: compare its columns only after standardising.
The two differ by E_C[φ] (E_full[ΔL] − E_C[ΔL]).

Negative: the component expresses the data, it lowers their loss where it lowers its own; positive:
it suppresses them.
"""

import numpy as np
import xarray as xr
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from somite.components.unions import FULL
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.response.blocks import Array, check_enough, standard_errors, total
from somite.response.source import Source, require_full

ESTIMATORS = ("restricted", "full")
ERRORS = ("mcse", "error_chains", "error_blocks", "z", "p_value")


def susceptibility(
    draws: xr.Dataset,
    losses: xr.Dataset | xr.DataArray | None = None,
    *,
    observable: xr.DataArray | None = None,
    estimator: str = "restricted",
    null: bool = False,
    errors: bool = True,
    on_failure: str = "raise",
) -> xr.Dataset:
    """Estimate χ = −Cov[φ, ΔL] of every component to probes, examples or tokens.

    φ and ΔL are losses on fixed examples, never on the minibatch of a step. "restricted" divides
    by N − 1, "full" by N, the number of draws of all chains. The error comes from the first-order
    series of the estimate over (chain, draw): −(φ − E φ)(ΔL − E ΔL), and for "full"
    −(φ ΔL − φ E_full ΔL − E φ (ΔL_full − E ΔL_full)), whose two chains share minibatches and noise.

    Args:
        draws: From `somite.sample` with the probe named reference, of the target's own data.
        losses: What is perturbed: what `somite.recorded` gives of a probe, or an array (component,
            chain, probe_draw, item, …) of differences to the center; the mean losses of all other
            probes if left out. A mixture at rate δh has δh times the χ of what is mixed in.
        observable: φ (component, chain, probe_draw); if left out L(w) − L(w*) on the reference.
        estimator: "restricted" or "full"; the latter needs the component named full.
        null: Pair φ with the losses of another chain: all that is found is false.
        errors: Whether to estimate errors, which needs 2 chains and 8 draws.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component.

    Returns:
        Over component and items: `susceptibility` (loss²), `mcse`, the larger of `error_chains`
        (between chains) and `error_blocks` (bootstrap of blocks of √draws draws); `z`, two-sided
        `p_value` (Student, as many degrees as blocks less one), `p_adjusted` over the whole table
        (Benjamini and Hochberg 1995); `chains_failed`. Attributes of the draws, and `estimator`.

    Raises:
        InputError: If the reference probe or the full chain is missing, losses or observable do not
            fit the draws, an observable is constant, or there are too few chains or draws.

    Source: Structural inference (arXiv 2504.18274), appendix C.4 for "full"; the sign is theirs.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, x: x[:, 0] * model.weight[0, 0] ** 2 + x[:, 1]
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> data, more = torch.tensor([[1.0, 0]]), torch.tensor([[3.0, 0]])
        >>> draws = so.sample(model, so.Target(loss, data, 10, 1), so.BAOAB(0.2, 2.0), draws=400,
        ...                   components="full", probes={"reference": data, "steep": more})
        >>> found = susceptibility(draws).sel(probe="steep", component="full")
        >>> exact = -2 * 2 / (2 * 10 + 1) ** 2  # −Cov[w², 2w²], w of variance 1/21
        >>> bool(abs(found.susceptibility - exact) < 3 * found.mcse)
        True
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    _check_estimator(estimator, null)
    source = Source(draws, losses, observable, on_failure, null)
    at_least("number of probe draws of all chains", source.draws * len(source.good), 2)
    if null:
        at_least("number of good chains", len(source.good), 2, "A null needs another chain.")
    if errors:
        check_enough(len(source.good), source.draws)
    full = require_full(source.components, FULL, draws) if estimator == "full" else None
    columns = _columns(source, full, errors)
    dims = ("component", *source.dims)
    found = xr.Dataset(
        {name: (dims, values) for name, values in columns.items()},
        {"component": source.components, **source.coords},
        {**draws.attrs, "estimator": estimator, "null": null},
    )
    found["chains_failed"] = source.chains_failed
    return found


def linear_series(
    observable: Array, change: Array, product: Array, share: Array, full: Array | None
) -> tuple[Array, Array]:
    """χ by sums over N draws, and the block means of its first-order series, whose mean it is.

    Args:
        observable: φ (chain, block).
        change: ΔL (chain, block, item).
        product: φ ΔL (chain, block, item).
        share: Of the draws in every block (block,).
        full: ΔL of the chain in which everything moves (chain, block, item); None for the
            restricted estimator.

    Returns:
        (item,) and (chain, block, item).
    """
    mean = float(total(observable, share))
    other = change if full is None else full
    level = total(other, share)
    centred = observable[..., None] - mean
    series = -(product - mean * other - level * centred)
    return -(total(product, share) - mean * level), series


def _columns(source: Source, full: int | None, wanted: bool) -> dict[str, Array]:
    shape = (len(source.components), *source.shape)
    names = ("susceptibility", *(ERRORS if wanted else ()))
    columns = {name: np.empty(shape) for name in names}
    for i in range(shape[0]):
        observable = source.observable(i)
        for items in source.pieces(1 if full is None else 2):
            change, product = source.means(i, items)
            whole = None if full is None else source.means(full, items)[0]
            value, series = linear_series(observable, change, product, source.share, whole)
            count = source.draws * len(source.good)
            value *= count / (count - 1) if full is None else 1
            row = (value, *(_errors(value, series, source.share) if wanted else ()))
            for name, values in zip(names, row, strict=True):
                columns[name][i, items] = values.reshape(-1, *source.shape[1:])
    if wanted:
        columns["p_adjusted"] = adjusted(columns["p_value"])
    return columns


def _errors(value: Array, series: Array, share: Array) -> tuple[Array, ...]:
    between, along = standard_errors(series, share)
    return tested(value, between, along, series.shape[0] * series.shape[1] - 1)


def tested(value: Array, between: Array, along: Array, degrees: int) -> tuple[Array, ...]:
    """The columns of `ERRORS`: the larger error, both, z and the p-value of Student's test.

    Without any error z is 0 for a value of 0, else NaN.
    """
    error = np.maximum(between, along)
    empty = np.where(value == 0, 0.0, np.nan)
    z = np.divide(value, error, out=empty, where=error > 0)
    return error, between, along, z, 2 * student.sf(abs(z), degrees)


def adjusted(p_values: Array) -> Array:
    """P-values adjusted for their number; NaN stays NaN."""
    found, known = p_values.copy(), np.isfinite(p_values)
    if known.any():
        found[known] = false_discovery_control(p_values[known])
    return found


def _check_estimator(estimator: str, null: bool) -> None:
    one_of("estimator", estimator, ESTIMATORS)
    if null and estimator == "full":
        rule = 'must be "restricted" for a null'
        remedy = "The mean of the full chain is not that of the component."
        raise InputError("estimator", rule, estimator, remedy)
