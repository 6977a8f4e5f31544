"""Groups of components by their curves over training."""

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.partition import LARGEST, partition
from somite.modularity.resampling import CurveBootstrap
from somite.modularity.series import Array, check_errors, check_series, log_step
from somite.modularity.stability import Replicate

GRID_POINTS = 64


def group_by_curves(
    series: xr.DataArray,
    mcse: xr.DataArray,
    algorithm: str,
    seed: int,
    largest: int = LARGEST,
    bootstraps: int = 100,
) -> xr.Dataset:
    """Group components by the Euclidean distance of their raw curves on an even log-step grid.

    Raw means that level, timing and shape all count: standardising each curve would discard its
    level. All curves are divided by one number, the root mean square MCSE, so that distances are in
    standard errors. Stability is that under resampled chains and draws (`CurveBootstrap`).

    Args:
        series: n_beta times the paired loss difference of each draw; dims (step, component, chain,
            draw).
        mcse: Monte Carlo standard error; dims (step, component).
        algorithm: "ward" or "kmeans".
        seed: Seed of the resampling and of k-means.
        largest: Largest number of groups tried.
        bootstraps: Number of resamplings, at least 2.

    Returns:
        As `partition`.

    Raises:
        InputError: If series or mcse are unfit, there are fewer than two checkpoints, or as
            `partition`.
    """
    series = check_series(series)
    errors = check_errors(mcse, series)
    at_least("bootstraps", bootstraps, 2, "Use 100.")
    if series.sizes["step"] < 2:
        rule, remedy = "must have at least 2 steps", "Sample at more checkpoints."
        raise InputError("series", rule, series.sizes["step"], remedy)
    bootstrap = CurveBootstrap(series.to_numpy())
    positions = log_step(series.step.to_numpy().astype(np.float64))
    scale = float(np.sqrt((errors**2).mean()))
    generator = np.random.default_rng(stream_seed("groups by curves", seed))
    rows = np.arange(series.sizes["component"])
    replicates = [
        Replicate(rows, on_grid(positions, curves / scale))
        for curves in bootstrap.resample(bootstraps, generator)
    ]
    features = xr.DataArray(
        on_grid(positions, bootstrap.mean / scale),
        dims=("component", "grid"),
        coords={"component": series.component.to_numpy()},
    )
    return partition(features, replicates, algorithm, seed, largest)


def on_grid(positions: Array, curves: Array) -> Array:
    """Curves (step, component) interpolated to an even grid: features (component, grid).

    Example:
        >>> on_grid(np.array([0.0, 1.0]), np.array([[0.0], [63.0]]))[0, :3].tolist()
        [0.0, 1.0, 2.0]
    """
    grid = np.linspace(positions[0], positions[-1], GRID_POINTS)
    return np.stack([np.interp(grid, positions, curve) for curve in curves.T])
