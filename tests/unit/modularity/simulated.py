"""Simulated series with known curves and known noise."""

import numpy as np
import xarray as xr

STEPS = np.array([0, 1, 2, 4, 8, 16, 32, 64, 100, 160, 250, 400, 630, 1000, 1600, 2500])


def names(count: int, layers: int = 2) -> list[str]:
    per_layer = -(-count // layers)
    return [f"{i // per_layer}:{i % per_layer}" for i in range(count)]


def noisy_series(
    curves: np.ndarray,
    seed: int,
    sd: float = 1.0,
    shared: float = 0.5,
    between: float = 0.0,
    chains: int = 4,
    draws: int = 40,
) -> tuple[xr.DataArray, xr.DataArray]:
    """Curves (step, component) plus noise, a share of whose variance all components have in common.

    Returns the series and the true standard error of its means.
    """
    generator = np.random.default_rng(seed)
    n_steps, count = curves.shape
    own = generator.normal(size=(n_steps, count, chains, draws))
    common = generator.normal(size=(n_steps, 1, chains, draws))
    noise = sd * (np.sqrt(1 - shared) * own + np.sqrt(shared) * common)
    noise += between * generator.normal(size=(n_steps, count, chains, 1))
    coords = {"step": STEPS[:n_steps], "component": names(count)}
    dims = ("step", "component", "chain", "draw")
    series = xr.DataArray(curves[:, :, None, None] + noise, dims=dims, coords=coords)
    error = np.sqrt(sd**2 / (chains * draws) + between**2 / chains)
    return series, xr.full_like(series.isel(chain=0, draw=0), error)


def planted_groups(seed: int, spread: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Curves (step, component) of four groups that differ in level, timing and shape."""
    axis = np.log1p(STEPS)[:, None]
    truth = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3])
    height = np.array([6.0, 3.0, 6.0, -4.0])[truth]
    center = np.array([3.0, 3.0, 6.0, 5.0])[truth]
    rise = height / (1 + np.exp(-(axis - center) / 0.4))
    level = 5 + np.random.default_rng(seed).normal(0, spread, len(truth))
    return level + rise, truth
