"""Tokens whose susceptibilities are known: points in the space of components, and draws of them."""

import numpy as np
import xarray as xr

from laws.linear_response import AXES, as_draws


def table(points: np.ndarray, **names: object) -> xr.DataArray:
    """χ (component, token) of points (token, component)."""
    components = [f"0:{i}" for i in range(points.shape[1])]
    return xr.DataArray(points.T, {"component": components, **names}, ("component", "token"))


def planted(
    clusters: int = 5, size: int = 60, components: int = 8, distance: float = 15.0, seed: int = 0
) -> tuple[xr.DataArray, np.ndarray]:
    """Normal clouds of unit spread, whose centers lie `distance` from the origin; and their labels.

    Centers are equally far apart, and have no part that row centring takes out.
    """
    random = np.random.default_rng(seed)
    columns = [np.ones(components), random.normal(size=(components, components))]
    frame = np.linalg.qr(np.column_stack(columns))
    centers = distance * frame[0][:, 1 : 1 + clusters].T
    truth = np.repeat(np.arange(clusters), size)
    points = centers[truth] + random.normal(size=(len(truth), components))
    return table(points), truth


def cloud(kind: str, size: int = 400, components: int = 8, seed: int = 0) -> xr.DataArray:
    """Points: "round" or "long" (spreads from 1 to 0.1), without clusters, or "arms".

    The last have independent components, each of which answers strongly to a tenth of the tokens.
    """
    random = np.random.default_rng(seed)
    if kind == "arms":
        strong = random.random((size, components)) < 0.1
        return table(random.normal(size=(size, components)) + 12.0 * strong)
    spread = np.geomspace(1, 0.1, components) if kind == "long" else np.ones(components)
    turned = np.linalg.qr(random.normal(size=(components, components)))[0]
    return table((random.normal(size=(size, components)) * spread) @ turned)


def recorded(
    points: np.ndarray, noise: float, seed: int = 0, chains: int = 4, draws: int = 100
) -> tuple[xr.Dataset, xr.DataArray]:
    """Draws and losses whose χ are the points (token, component), up to sampling noise."""
    random = np.random.default_rng(seed)
    phi = random.normal(size=(points.shape[1], chains, draws))
    losses = phi[..., None] * (1 - points.T[:, None, None])
    losses = losses + noise * random.normal(size=losses.shape)
    names = [f"0:{i}" for i in range(points.shape[1])]
    coords = {"component": names, "chain": np.arange(chains)}
    values = xr.DataArray(losses, coords, (*AXES, "token"))
    return as_draws(dict(zip(names, phi, strict=True))), values
