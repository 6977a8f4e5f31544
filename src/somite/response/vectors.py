"""Items as vectors of susceptibilities: one number for each component, comparable between them."""

import numpy as np
import xarray as xr

from somite.components.unions import FULL
from somite.core.errors import InputError

LEAST = 1e-12
"""Spread over the items, relative to the largest, below which a column cannot be standardised."""


def item_dims(values: xr.DataArray) -> tuple[str, ...]:
    """Names of the axes of the items: all but component, replicate and checkpoint."""
    others = ("component", "replicate", "checkpoint")
    return tuple(str(name) for name in values.dims if name not in others)


def response_values(table: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """The susceptibilities of a table, without the component named full.

    Raises:
        InputError: If they are not finite, or fewer than 2 components or 2 items.
    """
    values = table.susceptibility if isinstance(table, xr.Dataset) else table
    if "component" not in values.dims or not item_dims(values):
        rule, remedy = "must have the dims component and those of items", "Pass susceptibilities."
        raise InputError("table", rule, values.dims, remedy)
    values = values.sel(component=values.component != FULL)
    items = int(np.prod([values.sizes[name] for name in item_dims(values)]))
    if values.sizes["component"] < 2 or items < 2:
        remedy = "Sample more components, or give more examples or tokens."
        got = dict(values.sizes)
        raise InputError("table", "must hold at least 2 components and 2 items", got, remedy)
    if not bool(np.isfinite(values).all()):
        rule, remedy = "must be finite", "Leave out the chains that failed."
        raise InputError("susceptibilities", rule, "NaN or infinite", remedy)
    return values


def standard_scale(
    values: xr.DataArray, dims: tuple[str, ...]
) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean and standard deviation of each component over the items.

    Raises:
        InputError: If a component answers to all items alike.
    """
    center, spread = values.mean(dims), values.std(dims)
    least = LEAST * spread.max("component")
    for name in values.component.values:
        found = spread.sel(component=name)
        if not bool((found > least).all()):
            remedy = "Leave that component out."
            rule = "must answer differently to different items"
            got = f"a spread of {float(found.min())}"
            raise InputError(f"component {name}", rule, got, remedy)
    return center, spread


def standardized(
    values: xr.DataArray,
    scale: tuple[xr.DataArray, xr.DataArray],
    center_rows: bool = True,
) -> xr.DataArray:
    """(χ − mean)/sd of every component, then less the mean over components of every item."""
    found = (values - scale[0]) / scale[1]
    return found - found.mean("component") if center_rows else found


def token_vectors(table: xr.Dataset | xr.DataArray, *, center_rows: bool = True) -> xr.DataArray:
    """Items as vectors: columns standardised over the items, then rows centred.

    Args:
        table: From `somite.susceptibility`, or χ (component, item, …); full is left out.
        center_rows: Whether to take out what all components have in common at an item.

    Returns:
        (item, …, component), without unit.

    Raises:
        InputError: If susceptibilities are not finite, there are fewer than two components or
            items, or a component answers to all items alike.

    Source: Structural inference (arXiv 2504.18274) and Spectroscopy (arXiv 2601.12703).

    Example:
        >>> table = xr.DataArray([[1.0, 3.0], [5.0, 1.0]], {"component": ["A", "B"]},
        ...                      ("component", "token"))
        >>> token_vectors(table).values.tolist()
        [[-1.0, 1.0], [1.0, -1.0]]
    """
    values = response_values(table)
    dims = item_dims(values)
    found = standardized(values, standard_scale(values, dims), center_rows)
    return found.transpose(*dims, "component")
