"""Critical levels: how far weights can be spoiled before the loss has risen by a tolerance."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from somite.consequences.distortions import DISTORTIONS, Distortion
from somite.core.checks import at_least, positive
from somite.core.errors import InputError
from somite.core.random import stream_seed

LEAST = 0.1
"""A rise below this share of the tolerance counts as so much where levels are interpolated."""
REPEATS = 200


def critical_level(levels: np.ndarray, rises: np.ndarray, tolerance: float) -> np.ndarray:
    """Level from which on, towards finer ones, the rise is at most the tolerance ε.

    Between the last level i with a rise R_i above ε and the next finer one,

        level = l_i + (l_{i+1} − l_i) · (log R_i − log ε) / (log R_i − log R_{i+1})

    with R_{i+1} at least ε/10. Where no rise is above ε it is the coarsest level, where the finest
    is above it NaN.

    Args:
        levels: From coarse to fine (level,).
        rises: Of the loss (..., level).
        tolerance: ε, in units of the loss.

    Returns:
        (...).

    Raises:
        InputError: If the tolerance is not positive, or there is not one rise for each level.

    Example:
        >>> bits = np.arange(1.0, 7.0)
        >>> float(critical_level(bits, 4.0 ** -bits, 4.0 ** -3.25))  # halfway in log
        3.25
    """
    positive("tolerance", tolerance)
    if rises.shape[-1] != len(levels):
        rule, remedy = f"must have {len(levels)} levels", "Give one rise for each level."
        raise InputError("rises", rule, rises.shape[-1], remedy)
    above = rises > tolerance
    last = above.shape[-1] - 1 - above[..., ::-1].argmax(-1)  # of those above, where there is one
    nowhere, at_the_end = ~above.any(-1), above[..., -1]
    here = np.where(nowhere | at_the_end, 0, last)
    coarse = np.take_along_axis(rises, here[..., None], -1)[..., 0]
    fine = np.take_along_axis(rises, here[..., None] + 1, -1)[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        high = np.log(np.maximum(coarse, tolerance) / tolerance)
        low = np.log(np.clip(fine, LEAST * tolerance, tolerance) / tolerance)
        part = high / (high - low)
    found = levels[here] + (levels[here + 1] - levels[here]) * part
    return np.where(at_the_end, np.nan, np.where(nowhere, levels[0], found))


def critical_levels(
    damage: xr.Dataset,
    tolerance: float,
    seed: int = 0,
    distortions: Mapping[str, Distortion] = DISTORTIONS,
    repeats: int = REPEATS,
) -> xr.Dataset:
    """Critical levels of all components, with errors from resampled examples.

    Examples are drawn with replacement; of each draw the losses are averaged, the best range of
    quantisation is chosen, and the level read off, so that the error holds the choice too.

    Args:
        damage: Of `somite.consequences.damage`.
        tolerance: Rise of the mean loss that is allowed.
        seed: Of the resampling.
        distortions: What was done.
        repeats: Draws, at least 2.

    Returns:
        Over component, for each distortion: its critical level, and with the suffixes `_low` and
        `_high` a 95 % interval, `_error` a standard error; `_bound` says that it lies at or beyond
        the ends of the levels that were tried (NaN: beyond the finest).

    Bad input:
        `InputError` if the tolerance is not positive or there are fewer than two draws.
    """
    at_least("repeats", repeats, 2)
    generator = np.random.default_rng(stream_seed("critical levels", seed))
    number = damage.sizes["example"]
    shares = generator.multinomial(number, np.full(number, 1 / number), repeats) / number
    columns: dict[str, np.ndarray] = {}
    for name, distortion in distortions.items():
        levels = damage[f"{name}_level"].values.astype(float)
        table = damage[name].values.astype(float)  # (component, level, variant, example)
        own = critical_level(levels, _counted(table.mean(-1), distortion), tolerance)
        drawn = _counted(np.einsum("clve,re->rclv", table, shares), distortion)
        again = critical_level(levels, drawn, tolerance)
        columns |= _columns(name, own, np.where(np.isnan(again), levels[-1], again), levels)
    coords = {"component": damage.component.values}
    return xr.Dataset({n: ("component", v) for n, v in columns.items()}, coords).assign_attrs(
        tolerance=tolerance
    )


def _counted(rises: np.ndarray, distortion: Distortion) -> np.ndarray:
    """The variant that counts, or the mean of all (..., level)."""
    counted: np.ndarray = rises.min(-1) if distortion.best else rises.mean(-1)
    return counted


def _columns(
    name: str, own: np.ndarray, again: np.ndarray, levels: np.ndarray
) -> dict[str, np.ndarray]:
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    return {
        name: own,
        f"{name}_low": low,
        f"{name}_high": high,
        f"{name}_error": again.std(0, ddof=1),
        f"{name}_bound": np.isnan(own) | (own == levels[0]),
    }
