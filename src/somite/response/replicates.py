"""Bootstrap replicates of susceptibilities: blocks of draws drawn with replacement.

A replicate draws the same blocks of √draws draws for all components, items and chains, since they
share minibatches and noise. What is computed of many components or items is computed of every
replicate; the standard deviation over replicates is its error.
"""

from typing import Any

import numpy as np
import xarray as xr

from somite.components.unions import FULL
from somite.core.checks import at_least, one_of
from somite.core.random import stream_seed
from somite.response.blocks import Array, check_enough
from somite.response.source import Source


def bootstrap_susceptibility(
    draws: xr.Dataset,
    losses: xr.Dataset | xr.DataArray | None = None,
    *,
    replicates: int = 20,
    seed: int = 0,
    on_failure: str = "raise",
) -> xr.DataArray:
    """Replicates of the restricted susceptibilities of all components to all items.

    A replicate takes √draws-long blocks of all chains with replacement, the same blocks for all
    components and items. It holds the noise of the draws twice: that of the estimate, and its own.

    Args:
        draws: From `somite.sample`; the component named full is left out.
        losses: As in `susceptibility`.
        replicates: Number of them, at least 2.
        seed: Of the bootstrap.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component.

    Returns:
        χ (replicate, component, item, …) in single precision: 4 · replicates · components · items
        bytes. Attributes of the draws.

    Raises:
        InputError: As `susceptibility`.

    Example:
        >>> random = np.random.default_rng(0)
        >>> phi = random.normal(size=(1, 2, 64))
        >>> axes = ("component", "chain", "probe_draw")
        >>> draws = xr.Dataset(
        ...     {"probe_loss": (("probe", *axes), phi[None]),
        ...      "status": (axes[:2], [["converged"] * 2])},
        ...     {"component": ["A"], "probe": ["reference"]})
        >>> losses = xr.DataArray(phi[..., None] * [1.0, 3.0], {"component": ["A"]},
        ...                       (*axes, "example"))
        >>> found = bootstrap_susceptibility(draws, losses, replicates=4)
        >>> found.shape, bool((found[:, 0, 1] < found[:, 0, 0]).all())
        ((4, 1, 2), True)
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    at_least("replicates", replicates, 2, "Use 20.")
    source = Source(*without_full(draws, losses), on_failure=on_failure)
    check_enough(len(source.good), source.draws)
    name = ("susceptibility", draws.attrs.get("checkpoint"), seed)
    weights = _widened(bootstrap_weights(source, replicates, stream_seed(*name)))
    count = source.draws * len(source.good)
    found = np.empty((replicates, len(source.components), *source.shape), np.float32)
    for i in range(len(source.components)):
        for items in source.pieces():
            rows = replicated(source, i, items, weights) * count / (count - 1)
            found[:, i, items] = rows.reshape(replicates, -1, *source.shape[1:])
    coords = {"component": source.components, **source.coords}
    return xr.DataArray(found, coords, ("replicate", "component", *source.dims), attrs=draws.attrs)


def _widened(weights: Array) -> Array:
    """The replicates of some weights; B blocks drawn again spread too little by √((B − 1)/B)."""
    whole, count = weights[0], weights.shape[1]
    found: Array = whole + (weights[1:] - whole) * np.sqrt(count / (count - 1))
    return found


def without_full(draws: xr.Dataset, losses: Any) -> tuple[Any, Any]:
    """Draws and losses without the component in which everything moves."""
    kept = draws.component.values != FULL
    return draws.isel(component=kept), None if losses is None else losses.isel(component=kept)


def bootstrap_weights(source: Source, replicates: int, seed: int) -> Array:
    """How much every block of every chain counts (replicate, chain · block); the first: as it is.

    Blocks are drawn with replacement; their weights are shares of the draws, which sum to 1.
    """
    share = np.tile(source.share, len(source.good)) / len(source.good)
    generator = np.random.default_rng(seed)
    picks = generator.multinomial(len(share), np.full(len(share), 1 / len(share)), replicates)
    drawn = picks * share
    weights: Array = np.vstack([share, drawn / drawn.sum(1, keepdims=True)])
    return weights


def replicated(source: Source, component: int, items: slice, weights: Array) -> Array:
    """χ of a component to some items (replicate, item), divided by N."""
    change, product = (x.reshape(-1, x.shape[-1]) for x in source.means(component, items))
    observable = source.observable(component).ravel()
    found: Array = (weights @ observable)[:, None] * (weights @ change) - weights @ product
    return found
