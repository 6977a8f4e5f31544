"""Leaving out components that do nothing on the recorded samples, such as dead ReLU units.

Source: Lange, Rolnick and Körding 2022 (TMLR), who leave dead units out before clustering.
"""

import numpy as np
import xarray as xr

from somite.baselines.arrays import component_names
from somite.core.errors import InputError


def without_silent(recording: xr.Dataset) -> xr.Dataset:
    """The recording without the components that every method would refuse.

    A component is silent if its activations do not vary, or another variable of it is zero
    everywhere.

    Args:
        recording: What `of_mlp` or `of_transformer` gives, perhaps with `gradient_grams`.

    Returns:
        The same variables over the other components, in their order; names of those left out in the
        attribute `silent`.

    Raises:
        InputError: If fewer than two components are left.

    Example:
        >>> series = xr.DataArray([[1.0, 2], [0, 0], [3, 5]], dims=("component", "sample"))
        >>> found = without_silent(xr.Dataset({"activations": series}))
        >>> found.activations.shape, found.attrs["silent"]
        ((2, 2), ['1'])
    """
    names = component_names(recording)
    active = np.ones(len(names), dtype=bool)
    for name, values in recording.data_vars.items():
        rows = values.transpose("component", *(d for d in values.dims if d != "component"))
        array = rows.to_numpy()
        moves = np.ptp(array, axis=1) if name == "activations" else np.abs(array)
        active &= (moves > 0).reshape(len(names), -1).any(1)
    if active.sum() < 2:
        rule, got = "must hold at least two components that do something", int(active.sum())
        raise InputError("recording", rule, got, "Pass more data or another model.")
    places = np.flatnonzero(active)
    kept = recording.isel({d: places for d in ("component", "other") if d in recording.dims})
    return kept.assign_attrs(silent=[n for n, a in zip(names, active, strict=True) if not a])
