"""Lead and lag: which of two curves changes first."""

import numpy as np
import xarray as xr
from sklearn.isotonic import isotonic_regression

from somite.core.errors import InputError
from somite.modularity.series import Array, check_steps, log_step


def change_time(steps: Array, values: Array) -> float:
    """Position in log(step + 1) at which a curve is half-way through its change.

    The curve is fitted by the best monotone one (isotonic regression), up or down as its ends say;
    the position is where that crosses the mean of its first and last value. NaN where it is flat.

    Example:
        >>> steps = np.expm1(np.arange(5.0))
        >>> change_time(steps, np.array([0.0, 0.0, 1.0, 2.0, 2.0]))
        2.0
    """
    third = max(1, len(values) // 3)
    rises = values[-third:].mean() >= values[:third].mean()
    fit = isotonic_regression(values, increasing=bool(rises))
    if fit[-1] == fit[0]:
        return float("nan")
    progress = (fit - fit[0]) / (fit[-1] - fit[0])
    after = int((progress >= 0.5).argmax())
    positions = log_step(steps)
    part = (0.5 - progress[after - 1]) / (progress[after] - progress[after - 1])
    return float(positions[after - 1] + part * (positions[after] - positions[after - 1]))


def lead_lag(first: xr.DataArray, second: xr.DataArray) -> xr.Dataset:
    """Time by which the second curve changes later than the first, with its bootstrap error.

    The time of a change is that of `change_time`, within the steps given: cut the curves to the
    change that is meant. Curves come as resamplings, number 0 being the measured one; where both
    have the same number of them they are taken pair by pair, so that noise that the curves share
    stays shared. A curve without resamplings has no error of its own, and none is added for it.

    Args:
        first: dims step, or (replicate, step) with the measured curve first.
        second: The same; its steps may differ.

    Returns:
        lag (second minus first, in log-step; above zero: the first leads), sd, low, high (95 %),
        first_step and second_step (where the changes are half done), sign_support (share of the
        replicates with the same sign; NaN without any), p_value (two-sided, of no lag:
        2·(r + 1)/(n + 1), at most 1, r the number of n replicates of another sign; NaN without).

    Raises:
        InputError: If dims, steps or the numbers of replicates are wrong, there are fewer than
            three steps, a value is not finite, or a measured curve is flat.

    Example:
        >>> steps = {"step": np.expm1(np.arange(5.0))}
        >>> early = xr.DataArray([0.0, 1.0, 2.0, 2.0, 2.0], steps, ("step",))
        >>> late = xr.DataArray([3.0, 3.0, 2.0, 1.0, 1.0], steps, ("step",))
        >>> lead_lag(early, late).lag.item()
        1.0
    """
    times = [_times(name, curve) for name, curve in (("first", first), ("second", second))]
    counts = {len(each) for each in times} - {1}
    if len(counts) > 1:
        rule, remedy = "must have as many replicates as first", "Resample both together."
        raise InputError("second", rule, len(times[1]), remedy)
    lags = times[1] - times[0]
    again = lags[1:][np.isfinite(lags[1:])]
    spread = again.std(ddof=1) if again.size > 1 else np.nan
    low, high = np.quantile(again, [0.025, 0.975]) if again.size > 1 else (np.nan, np.nan)
    same = np.sign(again) == np.sign(lags[0])
    support = same.mean() if again.size else np.nan
    p_value = min(1.0, 2 * (1 + (~same).sum()) / (1 + again.size)) if again.size else np.nan
    return xr.Dataset(
        {
            "lag": lags[0],
            "sd": spread,
            "low": low,
            "high": high,
            "first_step": np.expm1(times[0][0]),
            "second_step": np.expm1(times[1][0]),
            "sign_support": support,
            "p_value": p_value,
        }
    )


def _times(argument: str, curve: xr.DataArray) -> Array:
    if "step" not in curve.dims or not set(curve.dims) <= {"replicate", "step"}:
        rule = "must have the dims step, or replicate and step"
        raise InputError(argument, rule, curve.dims, "Select one component.")
    steps = check_steps(argument, curve)
    if len(steps) < 3:
        rule, remedy = "must have at least 3 steps", "Measure at more checkpoints."
        raise InputError(argument, rule, len(steps), remedy)
    values = curve.transpose(..., "step").to_numpy().astype(np.float64).reshape(-1, len(steps))
    if not np.isfinite(values).all() or not len(values):
        raise InputError(argument, "must be finite", "NaN or infinite", "Drop those steps.")
    times = np.array([change_time(steps, row) for row in values])
    if np.isnan(times[0]):
        rule, remedy = "must change", "Compare curves that do, over steps where they do."
        raise InputError(argument, rule, "a flat curve", remedy)
    return times
