"""Responses of every chain by itself: estimates that owe nothing to each other."""

import xarray as xr

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.estimators.series import good_chains, scale
from somite.response.susceptibility import susceptibility

CHAIN = "chain"


def responses(
    draws: xr.Dataset,
    losses: xr.Dataset | xr.DataArray | None = None,
    *,
    observable: xr.DataArray | None = None,
    on_failure: str = "raise",
) -> xr.DataArray:
    """How far E[φ] moves for each unit of data that is added, from every chain alone.

        A = n_beta χ = −n_beta Cov[φ, ΔL],  the covariance over the draws of one chain

    Chains are independent: their mean has the error sd / √chains, and what is fitted on some of
    them can be tried on the others, which is what `pattern` does.

    Args:
        draws: From `somite.sample` with the probe named reference.
        losses: As in `susceptibility`.
        observable: φ (component, chain, probe_draw); if left out L(w) − L(w*) on the reference.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component.

    Returns:
        A (chain, component, item, …), in units of φ for a change of the share of the data by 1.

    Raises:
        InputError: As `susceptibility`; if n_beta is 0, or fewer than two chains are good.

    Source: Patterning (arXiv 2601.13548), dμ = n_beta χ dq.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, x: (x * model.weight**2).sum(1)
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> data, more = torch.ones(1, 1), torch.full((1, 1), 3.0)
        >>> draws = so.sample(model, so.Target(loss, data, 10, 1), so.BAOAB(0.2, 2.0), draws=400,
        ...                   components="full", probes={"reference": data, "steep": more})
        >>> found = responses(draws).sel(probe="steep", component="full")
        >>> exact = -10 * 2 * 2 / 21**2  # −n_beta Cov[w², 2w²], w of variance 1/21
        >>> bool(abs(found.mean() - exact) < 3 * found.std(ddof=1) / 2)
        True
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    parts = [draws.isel(component=i) for i in range(draws.sizes["component"])]
    good = [good_chains(part, on_failure) for part in parts]
    kept = [k for k in range(draws.sizes[CHAIN]) if all(chains[k] for chains in good)]
    at_least("number of good chains", len(kept), 2, "Sample more chains.")
    found = [_of_chain(k, draws, losses, observable) for k in kept]
    return (scale(draws) * xr.concat(found, CHAIN)).assign_coords({CHAIN: kept}).rename("response")


def _of_chain(chain: int, *parts: xr.Dataset | xr.DataArray | None) -> xr.DataArray:
    """χ from one chain.

    Raises:
        InputError: If an array has no chains.
    """
    for part in parts:
        if part is not None and CHAIN not in part.dims:
            rule, remedy = "must have the axis chain", "Pass what `somite.recorded` gives."
            raise InputError("losses or observable", rule, tuple(part.dims), remedy)
    draws, losses, observable = (p if p is None else p.isel({CHAIN: [chain]}) for p in parts)
    assert isinstance(draws, xr.Dataset)
    assert not isinstance(observable, xr.Dataset)
    found: xr.DataArray = susceptibility(
        draws, losses, observable=observable, errors=False
    ).susceptibility
    return found
