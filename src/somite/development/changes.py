"""What changes in each stage: losses, behaviour scores, curves."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.series import Array, check_steps, log_step

WHOLE = ""  # the component of a quantity that belongs to the whole model


def stage_changes(stages: xr.Dataset, curves: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Change of each quantity over each stage.

    A quantity's values at the ends of a stage are interpolated linearly in log(step + 1) between
    its own measured steps. `share` is the change divided by the quantity's range over all training
    and components, which makes quantities of different units comparable; 0 where nothing ever
    changes.

    Args:
        stages: From `find_stages`.
        curves: Named curves, dims (step,) for the whole model or (step, component); their steps
            cover the stages.

    Returns:
        dims stage: first_step, last_step; dims (stage, curve): before, after, change, share;
        coordinates quantity and component of each curve, component "" for the whole model.

    Raises:
        InputError: If there is no curve, or one has other dims, a NaN, or steps that do not cover
            the stages.
    """
    if not curves:
        raise InputError("curves", "must hold at least one curve", 0, "Give the training loss.")
    ends = stage_ends(stages)
    parts = [_changes(name, curve, ends) for name, curve in curves.items()]
    table = xr.concat(parts, "curve", coords="different", compat="equals", join="outer")
    return table.assign(first_step=("stage", ends[:-1]), last_step=("stage", ends[1:]))


def stage_ends(stages: xr.Dataset) -> Array:
    """Steps where stages begin and end: the first step, the boundaries, the last step.

    Example:
        >>> found = xr.Dataset({"position": ("boundary", [10.0])})
        >>> stage_ends(found.assign_attrs(first_step=0.0, last_step=99.0)).tolist()
        [0.0, 10.0, 99.0]
    """
    first, last = stages.attrs["first_step"], stages.attrs["last_step"]
    return np.concatenate([[first], stages.position.to_numpy(), [last]]).astype(np.float64)


def _changes(name: str, curve: xr.DataArray, ends: Array) -> xr.Dataset:
    if "step" not in curve.dims or not set(curve.dims) <= {"step", "component"}:
        rule = "must have the dims step, or step and component"
        raise InputError(f"curves[{name!r}]", rule, curve.dims, "Select one of the other dims.")
    values = curve if "component" in curve.dims else curve.expand_dims(component=[WHOLE])
    values = values.transpose("component", "step").astype(np.float64)
    steps = _check_curve(name, values, ends)
    axis = log_step(steps)
    at_ends = np.stack([np.interp(log_step(ends), axis, y) for y in values.to_numpy()], 1)
    before, after = at_ends[:-1], at_ends[1:]  # (stage, component)
    extent = float(values.max() - values.min())
    change = after - before
    share = change / extent if extent > 0 else np.zeros_like(change)
    variables = {"before": before, "after": after, "change": change, "share": share}
    return xr.Dataset(
        {key: (("stage", "curve"), value) for key, value in variables.items()},
        coords={
            "stage": np.arange(len(before)),
            "quantity": ("curve", [name] * len(values)),
            "component": ("curve", values.component.to_numpy().astype(str)),
        },
    )


def _check_curve(name: str, values: xr.DataArray, ends: Array) -> Array:
    argument = f"curves[{name!r}]"
    steps = check_steps(argument, values)
    if not bool(np.isfinite(values).all()):
        bad = f"{int((~np.isfinite(values)).sum())} NaN or infinite values"
        raise InputError(argument, "must be finite", bad, "Drop the steps where it is not.")
    if steps[0] > ends[0] or steps[-1] < ends[-1]:
        rule = f"must cover the steps {ends[0]:g} to {ends[-1]:g}"
        reach = f"{steps[0]:g} to {steps[-1]:g}"
        raise InputError(argument, rule, reach, "Measure it at the stages' checkpoints.")
    return steps
