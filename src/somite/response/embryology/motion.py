"""How tokens move in the space of susceptibilities from one checkpoint to the next.

The axes are components, the same at all checkpoints, so that nothing has to be aligned.
"""

from typing import Any

import xarray as xr
from scipy.stats import norm

from somite.core.errors import InputError
from somite.response.embryology.embedding import check_replicates
from somite.response.embryology.scaling import series_scale, series_values
from somite.response.vectors import item_dims, standardized


def token_motion(
    table: xr.Dataset | xr.DataArray,
    replicates: xr.DataArray,
    categories: xr.DataArray | None = None,
    *,
    scale: str = "pooled",
    center_rows: bool = True,
) -> xr.Dataset:
    r"""Displacement of tokens, and of categories of them, since the checkpoint before.

    With v the vectors and v_r those of a replicate, on the same scale, Δ the change to the
    checkpoint before and e_r = Δv_r − mean_r Δv_r, the square |Δv|² is too large by the noise of v.
    That is estimated by the replicates and taken out: |Δv|² − Σ_r |e_r|²/(R − 1), unbiased to the
    order of the bootstrap; it may be below 0 where nothing moved. The draws of checkpoints must be
    independent (those of `somite.sample` are).

    Args:
        table: χ of the same items over the dim checkpoint, as in `embed_tokens`.
        replicates: From `somite.bootstrap_susceptibility`, joined over the checkpoints.
        categories: Booleans (category, item, …), as of `token_categories`; none if left out.
        scale: "pooled": one scale for all checkpoints; "each": its own for every one.
        center_rows: Whether to take out what all components have in common at an item.

    Returns:
        Over the checkpoints but the first: `square` (checkpoint, item, …), unbiased, and
        `square_error`; with categories also `category_square`, their mean over the tokens of a
        category, its error, `z` and one-sided `p_value` (normal); and `category_shift` (checkpoint,
        category, component), the change of the mean vector, with its error. Errors are standard
        deviations over the replicates. A category without tokens has NaN. Without unit: in spreads
        of a component over the items.

    Raises:
        InputError: As `embed_tokens`; if categories are not of the same items.

    Example:
        >>> import numpy as np
        >>> random = np.random.default_rng(0)
        >>> first = random.normal(size=(3, 50))
        >>> names = {"checkpoint": [10, 20], "component": list("ABC")}
        >>> table = xr.DataArray(np.stack([first, first]), names,
        ...                      ("checkpoint", "component", "token"))
        >>> table[1, 0, 0] += 5.0
        >>> replicates = table.expand_dims(replicate=2)
        >>> found = token_motion(table, replicates)
        >>> bool(found.square[0, 0] > 1), abs(found.square[0, 1:]).max().item() < 1e-9
        (True, True)
    """
    values = series_values(table)
    check_replicates(values, replicates)
    dims = item_dims(values)
    if categories is not None:
        _check_categories(values, categories, dims)
    constants = series_scale(values, scale)
    parts = []
    for later in range(1, values.sizes["checkpoint"]):  # a pair at a time, to save memory
        pair = {"checkpoint": [later - 1, later]}
        local = [one[pair] if "checkpoint" in one.dims else one for one in constants]
        own, moved = (
            standardized(some[pair].astype(float), (local[0], local[1]), center_rows).diff(
                "checkpoint"
            )
            for some in (values, replicates)
        )
        parts.append(_of_pair(own, moved, categories))
    found = xr.concat(parts, "checkpoint", data_vars="minimal", coords="minimal", join="exact")
    return found.assign_attrs({"scale": scale})


def _of_pair(own: xr.DataArray, moved: xr.DataArray, categories: xr.DataArray | None) -> xr.Dataset:
    """All columns of one change."""
    noise = moved.var("replicate", ddof=1).sum("component")
    squares = (moved**2).sum("component")
    square = (own**2).sum("component") - noise
    found = xr.Dataset({"square": square, "square_error": squares.std("replicate", ddof=1)})
    if categories is None:
        return found
    return found.assign(_of_categories(square, squares, own, moved, categories))


def _of_categories(
    square: xr.DataArray,
    squares: xr.DataArray,
    own: xr.DataArray,
    moved: xr.DataArray,
    categories: xr.DataArray,
) -> dict[str, Any]:
    dims = item_dims(square)
    weights = categories.astype(float)
    count = weights.sum(dims)
    share = (weights / count.where(count > 0)).fillna(0.0)

    def mean(values: xr.DataArray) -> xr.DataArray:
        found: xr.DataArray = xr.dot(values, share, dim=dims)
        return found.where(count > 0)

    value, error = mean(square), mean(squares).std("replicate", ddof=1)
    z = (value / error).where(error > 0)
    return {
        "category_square": value,
        "category_square_error": error,
        "z": z,
        "p_value": xr.apply_ufunc(norm.sf, z),
        "category_shift": mean(own),
        "category_shift_error": mean(moved).std("replicate", ddof=1),
    }


def _check_categories(
    values: xr.DataArray, categories: xr.DataArray, dims: tuple[str, ...]
) -> None:
    wanted = {name: values.sizes[name] for name in dims}
    got = {name: categories.sizes[name] for name in categories.dims if name != "category"}
    if "category" not in categories.dims or wanted != got:
        remedy = "Pass what `somite.token_categories` gives for the same probe."
        rule = f"must have the dim category and be of the items {wanted}"
        raise InputError("categories", rule, dict(categories.sizes), remedy)
