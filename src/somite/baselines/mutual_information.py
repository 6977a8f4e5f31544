"""Mutual information between the activations of components, corrected by shifted surrogates."""

from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import xarray as xr

from somite.baselines.arrays import Array, component_names, matrix_between
from somite.baselines.gaussian_copula import copula_information, normal_scores
from somite.baselines.neighbor_information import neighbor_information
from somite.baselines.scalars import scalars
from somite.core.checks import at_least, one_of
from somite.core.random import stream_seed

ESTIMATORS = ("copula", "neighbors")
FEWEST_SHIFTS = 20

Between = Callable[[Array, Array], Array]


def mutual_information(
    activations: xr.DataArray,
    estimator: str = "copula",
    neighbors: int = 3,
    shifts: int = FEWEST_SHIFTS,
    seed: int = 0,
    way: str = "principal",
) -> xr.Dataset:
    """Mutual information of all pairs of components, minus what circular shifts leave of it.

        information_ij = I(a_i; a_j) − mean_s I(a_i; a_j shifted by s)

    A circular shift breaks what two series share at one sample and keeps each series as it is, with
    its memory; what is left is bias. Shifts come in pairs s and n − s, so that the matrix is
    symmetric. The correction depends on the order of the samples, within the error of its mean.

    Args:
        activations: Dims (component, sample[, feature]), more samples than shifts.
        estimator: "copula" or "neighbors" (Kraskov).
        neighbors: Number of neighbours of the latter.
        shifts: Number of shifts, at least 20; an odd number becomes the next even one.
        seed: Seed of the stream (seed, "shifts") that picks them.
        way: How features become one number, see `scalars`.

    Returns:
        Dims (component, other) [nats]: `information` (may be below 0), `raw` before the correction,
        `surrogate_sd` between shifts. Diagonals are 0: the information of a continuous series
        about itself is infinite.

    Bad input:
        `InputError` if a name is unknown, or as `scalars` raises it.

    Example:
        >>> wave = np.sin(np.arange(60) * 0.7)
        >>> series = xr.DataArray(np.stack([wave, wave**3]), dims=("component", "sample"))
        >>> bool(mutual_information(series).information[0, 1] > 1)
        True
    """
    one_of("estimator", estimator, ESTIMATORS)
    at_least("shifts", shifts, FEWEST_SHIFTS)
    shifts += shifts % 2
    series = scalars(activations, way, least=max(shifts + 1, neighbors + 2))
    if estimator == "copula":
        series = normal_scores(series)
    between = copula_information if estimator == "copula" else partial(_neighbors, k=neighbors)
    raw = between(series, series)
    found = [
        between(series, np.roll(series, s, 1)) for s in _offsets(series.shape[1], shifts, seed)
    ]
    mean, deviation = np.mean(found, axis=0), np.std(found, axis=0, ddof=1)
    names = component_names(activations)
    table = {"information": raw - mean, "raw": raw, "surrogate_sd": deviation}
    return xr.Dataset({n: matrix_between(_hollow(a), names) for n, a in table.items()})


def information_coefficient(information: xr.DataArray) -> xr.DataArray:
    r"""Mutual information on the scale of a correlation: $\sqrt{1 - e^{-2I}}$, 0 below I = 0.

    Args:
        information: [nats], any dims.

    Returns:
        Between 0 and 1; for Gaussian series the absolute correlation.

    Example:
        >>> information_coefficient(xr.DataArray([-0.1, 0.5 * np.log(4 / 3)])).values.round(3)
        array([0. , 0.5])
    """
    found: xr.DataArray = np.sqrt(1 - np.exp(-2 * information.clip(min=0)))
    return found


def _neighbors(first: Array, second: Array, k: int) -> Array:
    """Information of all pairs of different components; the diagonal is left at 0.

    Each pair is computed once: over shifts s and n − s both orders have the same values.
    """
    found = np.zeros((len(first), len(second)))
    for i, j in combinations(range(len(first)), 2):
        found[i, j] = found[j, i] = neighbor_information(first[i], second[j], k)
    return found


def _offsets(n: int, number: int, seed: int) -> list[int]:
    """Different shifts s together with n − s."""
    generator = np.random.default_rng(stream_seed(seed, "shifts"))
    some = generator.choice(n // 2, number // 2, replace=False) + 1
    return [*some.tolist(), *(n - some).tolist()]


def _hollow(array: Array) -> Array:
    """The array with zeros on its diagonal."""
    return array * (1 - np.eye(len(array)))
