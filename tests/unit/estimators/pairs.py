"""Draws of A, B and their union with given losses, as if sampled together."""

import numpy as np
import xarray as xr

from unit.estimators.recorded import normal, recorded

SIZES = {"A": 3, "B": 2, "A|B": 5, "full": 5}


def pair_draws(
    shared: float = 0.3, names: tuple[str, ...] = ("A", "B", "A|B"), **more
) -> xr.Dataset:
    """The union's loss is the sum of the others', less a shared part, up to a little noise."""
    a, b = 1 + 0.3 * normal(4, 50, seed=1), 2 + 0.3 * normal(4, 50, seed=2)
    union = a + b - shared + 0.01 * normal(4, 50, seed=3)
    losses = {"A": a, "B": b, "A|B": union, "full": union}
    loss = np.stack([losses[name] for name in names])
    draws = recorded({"loss": loss, "share": loss}, components=len(names), **more)
    draws = draws.assign_coords(component=list(names))
    return draws.assign(size=("component", [SIZES[name] for name in names]))


def with_blocks(draws: xr.Dataset, part: float = 0.9) -> xr.Dataset:
    """The same with shares of A and B in every component."""
    shares = np.stack([part * draws.loss.sel(component=name).values for name in "AB"], -1)
    shares = np.broadcast_to(shares, (draws.sizes["component"], *shares.shape))
    dims = ("component", "chain", "draw", "block")
    return draws.assign(block_share=(dims, shares.copy())).assign_coords(block=["A", "B"])
