"""Groups of components by feature tables: behaviour scores and data-refined profiles."""

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.partition import LARGEST, partition
from somite.modularity.resampling import CurveBootstrap
from somite.modularity.series import Array, check_series
from somite.modularity.specialization import profiles, scores, specialization
from somite.modularity.stability import Replicate

KEPT = 0.8  # share of the components in a resampling of a table


def group_by_behavior(
    scores: xr.DataArray, seed: int, largest: int = LARGEST, bootstraps: int = 100
) -> xr.Dataset:
    """Group components by their behaviour scores, each score standardised over the components.

    Ward's clustering. Scores in which no component differs are left out. The table has no draws to
    resample, so stability is that under leaving out a fifth of the components at random (Hennig
    2007, subsetting).

    Args:
        scores: dims component and one other, such as score; finite.
        seed: Seed of the resampling.
        largest: Largest number of groups tried.
        bootstraps: Number of resamplings, at least 2.

    Returns:
        As `partition`.

    Raises:
        InputError: If dims are wrong, a score is not finite, or as `partition`.
    """
    if len(scores.dims) != 2 or "component" not in scores.dims:
        rule = "must have the dims component and one other"
        raise InputError("scores", rule, scores.dims, "Select one step and stack the scores.")
    at_least("bootstraps", bootstraps, 2, "Use 100.")
    features = scores.transpose("component", ...).astype(np.float64)
    if not bool(np.isfinite(features).all()):
        bad = f"{int((~np.isfinite(features)).sum())} NaN or infinite values"
        raise InputError("scores", "must be finite", bad, "Leave those scores or components out.")
    features = features.copy(data=standardized(features.to_numpy()))
    generator = np.random.default_rng(stream_seed("groups by behavior", seed))
    replicates = [_subset(features.to_numpy(), generator) for _ in range(bootstraps)]
    return partition(features, replicates, "ward", seed, largest)


def group_by_refined(
    series: xr.DataArray, seed: int, largest: int = LARGEST, bootstraps: int = 100
) -> xr.Dataset:
    """Group components by their data-refined profiles (Ward).

    Stability is that under resampled chains and draws, the same for all components and domains:
    chains of one checkpoint share their noise over all of them.

    What `specialization` and `partition` refuse is refused.

    Args:
        series: n_beta times the paired loss difference of each draw; dims (domain, component,
            chain, draw).
        seed: Seed of the resampling.
        largest: Largest number of groups tried.
        bootstraps: Number of resamplings, at least 2.

    Returns:
        As `partition`.
    """
    at_least("bootstraps", bootstraps, 2, "Use 100.")
    llc, resampled = _refined(series, seed, bootstraps)
    features = specialization(llc).profile
    rows = np.arange(len(features))
    replicates = [Replicate(rows, profiles(values)) for values in resampled]
    return partition(features, replicates, "ward", seed, largest)


def refined_profiles(series: xr.DataArray, seed: int, bootstraps: int = 200) -> xr.Dataset:
    """Profiles over domains and specialisation scores, with errors from resampled chains and draws.

    What `specialization` refuses is refused.

    Args:
        series: n_beta times the paired loss difference of each draw; dims (domain, component,
            chain, draw).
        seed: Seed of the resampling.
        bootstraps: Number of resamplings, at least 2.

    Returns:
        As `specialization`, and for the profile and each score its standard deviation over the
        resamplings, named with the ending _sd.
    """
    at_least("bootstraps", bootstraps, 2, "Use 200.")
    llc, resampled = _refined(series, seed, bootstraps)
    result = specialization(llc)
    again = profiles(resampled)
    spread = {name: values.std(0, ddof=1) for name, values in scores(again).items()}
    result = result.assign({f"{name}_sd": ("component", sd) for name, sd in spread.items()})
    return result.assign(profile_sd=(("component", "domain"), again.std(0, ddof=1)))


def standardized(values: Array) -> Array:
    """Columns with mean 0 and standard deviation 1; those that never differ are left at 0.

    Example:
        >>> standardized(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    centred = values - values.mean(0)
    spread = centred.std(0)
    constant = spread <= 1e-12 * np.abs(values).max(0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, spread))


def _subset(values: Array, generator: np.random.Generator) -> Replicate:
    size = max(2, int(np.ceil(KEPT * len(values))))
    size = min(size, len(values) - 1) if len(values) > 2 else len(values)
    rows = np.sort(generator.choice(len(values), size, replace=False))
    return Replicate(rows, values[rows])


def _refined(series: xr.DataArray, seed: int, bootstraps: int) -> tuple[xr.DataArray, Array]:
    """LLC (component, domain) and its resamplings (bootstrap, component, domain).

    Raises:
        InputError: If dims are wrong.
    """
    if set(series.dims) != {"domain", "component", "chain", "draw"}:
        rule = "must have the dims domain, component, chain, draw"
        raise InputError("series", rule, series.dims, "Select one step.")
    ordered = series.transpose("component", "domain", "chain", "draw")
    size = (ordered.sizes["component"], ordered.sizes["domain"])
    checked = _one_step(ordered)
    bootstrap = CurveBootstrap(checked.to_numpy())
    generator = np.random.default_rng(stream_seed("data-refined profiles", seed))
    resampled = np.stack(list(bootstrap.resample(bootstraps, generator)))
    llc = ordered.isel(chain=0, draw=0, drop=True)
    return llc.copy(data=bootstrap.mean.reshape(size)), resampled.reshape(-1, *size)


def _one_step(series: xr.DataArray) -> xr.DataArray:
    """The cells (component, domain) as components of one step, so that they share draws."""
    names = [
        f"{component} on {domain}"
        for component in series.component.to_numpy()
        for domain in series.domain.to_numpy()
    ]
    values = series.to_numpy().reshape(1, len(names), *series.shape[2:])
    dims = ("step", "component", "chain", "draw")
    return check_series(xr.DataArray(values, {"step": [0], "component": names}, dims))
