"""Resampled matrices from the joint series of all pairs."""

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.resampling import CurveBootstrap


def resampled_matrices(series: xr.DataArray, seed: int, count: int = 100) -> xr.Dataset:
    """The mean matrix of a series of pairs, and matrices from resampled chains and draws.

    The same chains and blocks of draws serve all pairs (`CurveBootstrap`): pairs share noise.

    Args:
        series: Value of each pair at each draw; dims (component, other, chain, draw), symmetric;
            chains with NaN are left out. The diagonal may be NaN.
        seed: Seed of the resampling.
        count: Number of replicates, at least 2.

    Returns:
        dims (component, other): matrix; dims (replicate, component, other): replicates.

    Raises:
        InputError: If dims are wrong, or a pair has no good chain.

    Example:
        >>> values = np.random.default_rng(0).normal(size=(3, 3, 2, 20))
        >>> values = values + values.transpose(1, 0, 2, 3)
        >>> names = {"component": list("abc"), "other": list("abc")}
        >>> pairs = xr.DataArray(values, names, ("component", "other", "chain", "draw"))
        >>> resampled_matrices(pairs, 0, 5).replicates.shape
        (5, 3, 3)
    """
    if set(series.dims) != {"component", "other", "chain", "draw"}:
        rule = "must have the dims component, other, chain, draw"
        raise InputError("series", rule, series.dims, "Select one step.")
    at_least("count", count, 2, "Use 100.")
    ordered = series.transpose("component", "other", "chain", "draw").astype(np.float64)
    size = ordered.sizes["component"]
    first, second = np.triu_indices(size, 1)
    pairs = ordered.to_numpy()[first, second]  # (pair, chain, draw)
    failed = ~np.isfinite(pairs).all(-1)
    if failed.all(-1).any():
        pair = int(failed.all(-1).argmax())
        names = f"{ordered.component[first[pair]].item()}, {ordered.other[second[pair]].item()}"
        rule, remedy = "must have a chain without NaN for every pair", "Sample that pair again."
        raise InputError("series", rule, f"none for {names}", remedy)
    bootstrap = CurveBootstrap(np.where(failed[..., None], np.nan, pairs)[None])
    generator = np.random.default_rng(stream_seed("resampled matrices", seed))
    values = np.stack([bootstrap.mean, *bootstrap.resample(count, generator)])[:, 0]
    matrices = np.zeros((count + 1, size, size))
    matrices[:, first, second] = matrices[:, second, first] = values
    variables = {
        "matrix": (("component", "other"), matrices[0]),
        "replicates": (("replicate", "component", "other"), matrices[1:]),
    }
    return xr.Dataset(variables, {dim: ordered[dim].to_numpy() for dim in ("component", "other")})
