"""Synchrony: components whose curves change at the same time."""

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.curves import on_grid
from somite.modularity.series import Array, check_series, log_step
from somite.modularity.verdict import false_discovery

NEAREST_SHIFT = 4  # grid points; a smaller shift hardly moves a smooth curve
LEAST_STEPS = 5


def synchrony(series: xr.DataArray) -> xr.Dataset:
    r"""Correlation of the changes of every two curves, with a circular-shift null.

    The change is d llc/d log(step + 1) of a curve interpolated to an even grid of 64 points. Two
    components share minibatches and noise, so that their curves err together, and two flat curves
    would seem to move as one. Therefore the covariance of two changes is taken between different
    chains, whose noise is independent, $\frac{1}{C(C-1)} \sum_{c \ne c'} cov(d_A^c, d_B^{c'})$, and
    divided by the standard deviations of the changes of the mean curves; noise only lowers it.

    The null shifts one curve against the other around the circle by every number of grid points
    from 4 to 59, and p = (r + 1)/(n + 1) counts the shifts with a correlation at least as large.
    Both curves of a pair changing only once, at one time, is the strongest evidence there can be:
    p is never below 1/57. q_value is adjusted for the number of pairs.

    Args:
        series: n_beta times the paired loss difference of each draw; dims (step, component, chain,
            draw). Chains that failed at any step are left out, of all.

    Returns:
        dims (component, other): correlation, z, p_value, q_value; the diagonal is NaN. A curve that
        never changes has NaN throughout.

    Raises:
        InputError: If the series is unfit, has fewer than five steps or two components, or there
            are fewer than two chains good at all steps.
    """
    series = check_series(series)
    values = series.mean("draw").to_numpy()  # (step, component, chain)
    values = values[:, :, np.isfinite(values).all((0, 1))]
    if values.shape[0] < LEAST_STEPS or values.shape[1] < 2:
        rule = f"must have at least {LEAST_STEPS} steps and 2 components"
        raise InputError("series", rule, values.shape[:2], "Sample at more checkpoints.")
    if values.shape[2] < 2:
        rule, remedy = "must have two chains that are good at all steps", "Sample more chains."
        raise InputError("series", rule, values.shape[2], remedy)
    positions = log_step(series.step.to_numpy().astype(np.float64))
    changes = np.stack([changes_of(positions, values[:, :, c]) for c in range(values.shape[2])])
    every = shifted_correlations(changes)
    size = every.shape[-1]
    null = every[NEAREST_SHIFT : every.shape[0] - NEAREST_SHIFT + 1]
    table = _against(every[0], null)
    for field in table:
        np.fill_diagonal(table[field], np.nan)
    names = series.component.to_numpy()
    coords = {"component": names, "other": names}
    result = xr.Dataset({f: (("component", "other"), v) for f, v in table.items()}, coords)
    upper = np.triu_indices(size, 1)
    adjusted = np.full((size, size), np.nan)
    adjusted[upper] = false_discovery(xr.DataArray(table["p_value"][upper])).to_numpy()
    adjusted = np.where(np.tri(size, k=-1, dtype=bool), adjusted.T, adjusted)
    return result.assign(q_value=(("component", "other"), adjusted))


def changes_of(positions: Array, curves: Array) -> Array:
    """Centred slopes (component, grid) of curves (step, component) on an even grid of positions.

    Example:
        >>> changes_of(np.array([0.0, 1.0, 2.0]), np.array([[0.0], [1.0], [2.0]])).round(9).any()
        np.False_
    """
    slopes = np.diff(on_grid(positions, curves), axis=1)
    centred: Array = slopes - slopes.mean(1, keepdims=True)
    return centred


def shifted_correlations(changes: Array) -> Array:
    """Correlations (shift, component, other), `other` moved around the circle by each shift.

    Args:
        changes: Centred slopes (chain, component, grid).
    """
    chains, _, points = changes.shape
    mean = changes.mean(0)
    spread = mean.std(1)
    scale = np.outer(spread, spread)
    result = []
    for shift in range(points):
        moved = np.roll(changes, shift, axis=2)
        same = np.einsum("cag,cbg->ab", changes, moved) / points
        all_pairs = chains**2 * (mean @ moved.mean(0).T) / points
        covariance = (all_pairs - same) / (chains * (chains - 1))
        result.append(
            np.divide(covariance, scale, out=np.full_like(scale, np.nan), where=scale > 0)
        )
    return np.stack(result)


def _against(correlation: Array, null: Array) -> dict[str, Array]:
    # Which of the two is moved is arbitrary: every shift one way is one the other way.
    reached = (null >= correlation).sum(0)
    spread = null.std(0)
    z = np.divide(
        correlation - null.mean(0), spread, out=np.full_like(spread, np.nan), where=spread > 0
    )
    p_value = (reached + 1.0) / (len(null) + 1)
    p_value[np.isnan(correlation)] = np.nan
    return {"correlation": correlation.copy(), "z": z, "p_value": p_value}
