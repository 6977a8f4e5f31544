"""Matrices with known modules, and matrices without any."""

import numpy as np
import xarray as xr


def named(weights: np.ndarray) -> xr.DataArray:
    labels = [f"{i // 8}:{i % 8}" for i in range(len(weights))]
    return xr.DataArray(weights, {"component": labels, "other": labels}, ("component", "other"))


def symmetric_noise(size: int, generator: np.random.Generator) -> np.ndarray:
    """Independent standard normal weights of every pair."""
    values = np.triu(generator.normal(size=(size, size)), 1)
    return values + values.T


def planted(sizes: list[int], sd: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights 1 within modules, 0 between them, plus normal noise; and the modules."""
    generator = np.random.default_rng(seed)
    truth = generator.permutation(np.repeat(np.arange(len(sizes)), sizes))
    blocks = (truth[:, None] == truth) * 1.0
    np.fill_diagonal(blocks, 0.0)
    return blocks + sd * symmetric_noise(len(truth), generator), truth


def pair_series(weights: np.ndarray, sd: float, seed: int, draws: int = 40) -> xr.DataArray:
    """Draws of every pair around its weight, with noise that pairs of a component share."""
    generator = np.random.default_rng(seed)
    own = generator.normal(size=(len(weights), 4, draws))
    noise = sd * (own[:, None] + own[None])
    series = named(weights).expand_dims(chain=4, draw=draws, axis=(2, 3))
    return series + noise
