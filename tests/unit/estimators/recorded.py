"""Draws with given numbers, as if sampled, for the estimators that read more than losses."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

SETTINGS = {
    **{"n_beta": 10.0, "localization": 2.0, "weight_decay": 0.0, "kernel": "SGLD"},
    **{"step_size": 0.1, "thin": 1, "seed": 0, "burn_in": 5, "probe_every": 1, "center_loss": 0.5},
    "full_gradients": True,
}
COMPONENTS = ("0:0", "1:3")
SIZE = 3
SERIES = ("loss", "distance", "share", "drift_square")


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def recorded(
    series: Mapping[str, np.ndarray] | None = None,
    components: int = 2,
    chains: int = 4,
    draws: int = 50,
    probe: np.ndarray | None = None,
    **settings: object,
) -> xr.Dataset:
    """Draws of well-ended chains; series not given are normal numbers, the probe is absent."""
    shape = (components, chains, draws)
    given = {name: normal(*shape, seed=i) for i, name in enumerate(SERIES)} | dict(series or {})
    losses = np.empty((0, *shape)) if probe is None else probe[None]
    pair = ("component", "chain")
    return xr.Dataset(
        {
            **{name: ((*pair, "draw"), values) for name, values in given.items()},
            "probe_loss": (("probe", *pair, "probe_draw"), losses),
            "status": (pair, np.full(shape[:2], "converged", dtype="U40")),
            "size": ("component", np.full(components, SIZE)),
        },
        coords={"component": _names(components), "probe": ["reference"][: len(losses)]},
        attrs=SETTINGS | settings,
    )


def _names(count: int) -> list[str]:
    return [*COMPONENTS, *(f"2:{i}" for i in range(count))][:count]


def spoiled(draws: xr.Dataset, component: int = 0, chain: int = 1) -> xr.Dataset:
    """The same draws with one chain that failed on the way."""
    draws = draws.copy(deep=True)
    for name in SERIES:
        draws[name][component, chain, 10:] = np.nan
    draws.status[component, chain] = "diverged at step 10"
    return draws
