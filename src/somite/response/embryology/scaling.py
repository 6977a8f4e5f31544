"""Susceptibilities of many checkpoints, as vectors on one scale or on one for each."""

import xarray as xr

from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.response.vectors import item_dims, response_values, standard_scale, standardized

SCALES = ("each", "pooled")


def series_values(table: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """χ (checkpoint, component, item, …) of at least two checkpoints.

    Raises:
        InputError: If they are not.
    """
    values = response_values(table)
    if "checkpoint" not in values.dims or values.sizes["checkpoint"] < 2:
        remedy = 'Join tables with xr.concat(tables, xr.Variable("checkpoint", steps)).'
        got = dict(values.sizes)
        raise InputError("table", "must hold at least 2 checkpoints", got, remedy)
    return values.transpose("checkpoint", "component", *item_dims(values))


def series_scale(values: xr.DataArray, scale: str) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean and spread of the components, for every checkpoint or of all together.

    Raises:
        InputError: If the word is unknown, or a component answers to all items alike.
    """
    one_of("scale", scale, SCALES)
    dims = item_dims(values) if scale == "each" else ("checkpoint", *item_dims(values))
    return standard_scale(values, dims)


def series_vectors(values: xr.DataArray, scale: str, center_rows: bool) -> xr.DataArray:
    """Vectors (checkpoint, item, …, component)."""
    found = standardized(values, series_scale(values, scale), center_rows)
    return found.transpose("checkpoint", *item_dims(values), "component")
