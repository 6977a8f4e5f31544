"""The series that curves are made of: values per checkpoint, component, chain and draw."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somite.core.errors import InputError

SERIES_DIMS = ("step", "component", "chain", "draw")
Array = NDArray[np.float64]


def check_series(series: xr.DataArray) -> xr.DataArray:
    """A series in the order (step, component, chain, draw), with failed chains wholly NaN.

    A chain that holds one value that is not finite has failed and is left out whole: the draws
    before its failure are not from the distribution that the others sample.

    Args:
        series: n_beta times the paired loss difference per draw; dims step, component, chain, draw
            in any order, the steps whole numbers that increase.

    Returns:
        A copy in float64.

    Raises:
        InputError: If dims or coordinates are wrong, or a component has no good chain at a step.
    """
    if set(series.dims) != set(SERIES_DIMS):
        rule = f"must have the dims {', '.join(SERIES_DIMS)}"
        raise InputError("series", rule, series.dims, "Rename or reduce its dims.")
    ordered = series.transpose(*SERIES_DIMS).astype(np.float64)
    check_steps("series", ordered)
    _check_components(ordered)
    finite = ordered.copy(data=np.isfinite(ordered.to_numpy()))
    failed = ~finite.all("draw")
    lost = failed.all("chain")
    if bool(lost.any()):
        step, component = (int(i) for i in np.argwhere(lost.to_numpy())[0])
        where = f"none for {lost.component[component].item()} at step {lost.step[step].item()}"
        remedy = "Leave that step or component out, or sample it with a smaller step_size."
        raise InputError("series", "must have a chain without NaN in every cell", where, remedy)
    return ordered.where(~failed)


def check_steps(argument: str, values: xr.DataArray) -> Array:
    """The training steps of a curve, which must be there, not negative, and increase.

    Raises:
        InputError: If they are not.

    Example:
        >>> check_steps("curve", xr.DataArray([1.0, 2.0], dims="step", coords={"step": [0, 9]}))
        array([0., 9.])
    """
    if "step" not in values.coords or values.coords["step"].dims != ("step",):
        remedy = "Give the training step of each checkpoint: .assign_coords(step=...)."
        raise InputError(argument, "must have the coordinate step", list(values.coords), remedy)
    steps: Array = values.coords["step"].to_numpy().astype(np.float64)
    if (
        steps.size == 0
        or not np.isfinite(steps).all()
        or steps[0] < 0
        or (np.diff(steps) <= 0).any()
    ):
        rule = "must have steps of zero or more that increase"
        raise InputError(argument, rule, steps.tolist(), "Sort by step and drop duplicates.")
    return steps


def check_errors(mcse: xr.DataArray, series: xr.DataArray) -> xr.DataArray:
    """Monte Carlo errors that fit a checked series: the same cells, finite and above zero.

    Raises:
        InputError: If they do not.
    """
    if set(mcse.dims) != {"step", "component"}:
        raise InputError(
            "mcse", "must have the dims step, component", mcse.dims, "Rename its dims."
        )
    errors = mcse.transpose("step", "component").astype(np.float64)
    for dim in errors.dims:
        ours, theirs = (
            a.indexes[dim].tolist() if dim in a.indexes else [] for a in (errors, series)
        )
        if ours != theirs:
            remedy = "Take both from the same draws."
            raise InputError("mcse", f"must have the same {dim} as series", ours, remedy)
    bad = int((~(np.isfinite(errors) & (errors > 0))).sum())
    if bad:
        remedy = "Leave out cells whose error is unknown, or sample more draws."
        raise InputError("mcse", "must be finite and positive", f"{bad} that are not", remedy)
    return errors


def mean_curves(series: xr.DataArray) -> xr.DataArray:
    """Curve of each component: the mean over the good chains and their draws.

    Args:
        series: As in `check_series`, which refuses what is unfit.

    Returns:
        dims (step, component).

    Example:
        >>> values = np.array([[[[1.0, 3.0], [np.nan, 7.0]]]])
        >>> coords = {"step": [0], "component": ["0:0"]}
        >>> mean_curves(xr.DataArray(values, dims=SERIES_DIMS, coords=coords)).item()
        2.0
    """
    return check_series(series).mean(("chain", "draw"), skipna=True)


def log_step(steps: Array) -> Array:
    """Natural logarithm of step + 1, the axis of every development curve.

    Example:
        >>> log_step(np.array([0.0]))
        array([0.])
    """
    axis: Array = np.log1p(steps)
    return axis


def _check_components(series: xr.DataArray) -> None:
    if "component" not in series.coords:
        remedy = "Name the components: .assign_coords(component=...)."
        raise InputError(
            "series", "must have the coordinate component", list(series.coords), remedy
        )
    names = series.coords["component"].to_numpy().tolist()
    if len(set(names)) != len(names) or not names:
        raise InputError("series", "must name each component once", names, "Drop duplicates.")
    if series.sizes["chain"] == 0 or series.sizes["draw"] == 0:
        raise InputError("series", "must hold draws", dict(series.sizes), "Sample at least one.")
