"""Mean losses of groups of examples, read from a record a piece at a time."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.response.source import NUMBERS, SERIES


def group_losses(losses: xr.DataArray, groups: Sequence[str]) -> xr.DataArray:
    """Mean loss of every group of examples at every draw.

    χ is linear in the losses: that of a group's mean loss is the mean χ of its tokens, for the same
    draws to rounding, and comes with an error of its own.

    Args:
        losses: (component, chain, probe_draw, example[, token]), such as
            `somite.recorded(path, probe).loss`, which is not loaded.
        groups: Name of the group of each example, such as its domain.

    Returns:
        (component, chain, probe_draw, group), groups in the order of their first example.

    Raises:
        InputError: If there is not one group for each example.

    Example:
        >>> values = xr.DataArray(np.arange(6.0).reshape(1, 1, 2, 3),
        ...                       dims=(*SERIES, "example"))
        >>> group_losses(values, ["a", "b", "b"]).values.tolist()
        [[[[0.0, 1.5], [3.0, 4.5]]]]
    """
    if tuple(losses.dims[:4]) != (*SERIES, "example") or losses.sizes["example"] != len(groups):
        rule = f"must have the dims {', '.join(SERIES)}, example, and {len(groups)} examples"
        raise InputError("losses", rule, dict(losses.sizes), "Name the group of each example.")
    names = list(dict.fromkeys(groups))
    member = np.array([[group == name for name in names] for group in groups], dtype=float)
    sums = np.zeros((*losses.shape[:3], len(names)))
    inner = int(np.prod(losses.shape[4:], dtype=np.int64))
    step = max(1, NUMBERS // (losses.shape[1] * losses.shape[2] * inner))
    for component in range(losses.shape[0]):
        for start in range(0, len(groups), step):
            part = losses[component, :, :, start : start + step].values.astype(np.float64)
            means = part.reshape(*part.shape[:3], inner).mean(-1)
            sums[component] += means @ member[start : start + step]
    coords = {"component": losses.component, "group": names} if "component" in losses.coords else {}
    return xr.DataArray(sums / member.sum(0), coords or {"group": names}, (*SERIES, "group"))
