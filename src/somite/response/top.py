"""The largest influences on each query, without the table of all pairs."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somite.core.checks import at_least, one_of
from somite.response.blocks import Array, Blocks, check_enough, standard_errors
from somite.response.influence import coordinates, flattened, matched, query_dims

PAIRS = 2**23
"""Most pairs in memory at one time."""
MEASURES = ("correlation", "influence")


def top_influences(
    losses: xr.DataArray,
    queries: xr.DataArray | None = None,
    *,
    count: int = 10,
    by: str = "correlation",
    on_failure: str = "raise",
) -> xr.Dataset:
    """The examples, or tokens, of largest absolute influence on each query.

    Queries are taken a few at a time, and errors are estimated for the chosen pairs alone.

    Args:
        losses: As in `influence`.
        queries: Losses of other examples at the same draws; if left out the same ones, each
            without itself.
        count: Number of pairs for each query.
        by: "correlation" or "influence".
        on_failure: "raise" if a chain has NaN, or "leave out" chains that have in any component.

    Returns:
        Over (component, query[, query_token], rank): `example`[, `token`], places of what
        influences most; `influence`, `correlation` and their `_mcse`, see `influence`;
        `chains_failed`. Attributes of the losses.

    Raises:
        InputError: As `influence`.

    Example:
        >>> values = np.random.default_rng(0).normal(size=(1, 2, 50, 3))
        >>> values[..., 2] -= 2 * values[..., 0]
        >>> axes = ("component", "chain", "probe_draw", "example")
        >>> found = top_influences(xr.DataArray(values, {"component": ["full"]}, axes), count=1)
        >>> found.example.values.ravel().tolist()[::2]
        [2, 0]
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    one_of("by", by, MEASURES)
    at_least("count", count, 1)
    first, second, good = matched(losses, queries, on_failure)
    check_enough(int(good.sum()), first.sizes["probe_draw"])
    most = int(np.prod(first.shape[3:])) - (queries is None)
    at_least("number of examples", most, 1, "Record more of them.")
    rows = [
        _of_component(
            flattened(first, i, good),
            None if queries is None else flattened(second, i, good),
            min(count, most),
            by,
        )
        for i in range(first.sizes["component"])
    ]
    shape = (len(rows), *second.shape[3:], min(count, most))
    dims = ("component", *query_dims(second), "rank")
    columns: dict[str, Any] = {
        name: (dims, np.stack([row[name] for row in rows]).reshape(shape)) for name in rows[0]
    }
    places = np.unravel_index(columns.pop("place")[1], first.shape[3:])
    columns |= {str(dim): (dims, p) for dim, p in zip(first.dims[3:], places, strict=True)}
    own = {name: c for name, c in coordinates(first, second).items() if name not in columns}
    found = xr.Dataset(columns, own, losses.attrs)
    found["chains_failed"] = int((~good).sum())
    return found


def _of_component(values: Array, queries: Array | None, count: int, by: str) -> dict[str, Array]:
    """Places and numbers (query, rank) of one component."""
    y = values - values.mean((0, 1))
    x = y if queries is None else queries - queries.mean((0, 1))
    step = max(1, PAIRS // y.shape[-1])
    parts = []
    for start in range(0, x.shape[-1], step):
        some = x[..., start : start + step]
        size = _sizes(some, y, by)
        if queries is None:
            size[np.arange(len(size)), start + np.arange(len(size))] = -2.0
        places = _largest(size, count)
        ranks = [paired(some, y[..., chosen]) for chosen in places.T]
        numbers = {name: np.stack([rank[name] for rank in ranks], 1) for name in ranks[0]}
        parts.append({"place": places, **numbers})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sizes(x: Array, y: Array, by: str) -> Array:
    """Absolute influence or correlation of centred series (query, example); −1 where undefined."""
    found: Array = abs(np.tensordot(x, y, axes=((0, 1), (0, 1))))
    if by == "correlation":
        scale = np.outer(x.std((0, 1)), y.std((0, 1)))
        found = np.divide(found, scale, out=np.full_like(found, -1.0), where=scale > 0)
    return found


def _largest(size: Array, count: int) -> NDArray[np.int64]:
    """Places of the largest numbers of every row, the largest first."""
    some = np.argpartition(-size, count - 1, axis=1)[:, :count]
    order = np.argsort(-np.take_along_axis(size, some, 1), axis=1, kind="stable")
    places: NDArray[np.int64] = np.take_along_axis(some, order, 1)
    return places


def paired(x: Array, y: Array) -> dict[str, Array]:
    """Influence, correlation and errors of centred series, each with the one beside it.

    Args:
        x: (chain, draw, pair), of mean zero.
        y: The same of what it is paired with, at the same draws.
    """
    blocks, count = Blocks.of(x.shape[1]), x.shape[0] * x.shape[1]
    one, two = (values.std((0, 1)) for values in (x, y))
    known = (one > 0) & (two > 0)
    one, two = np.where(known, one, np.nan), np.where(known, two, np.nan)
    products = x * y
    covariance, correlation = products.mean((0, 1)), (products / (one * two)).mean((0, 1))
    squares = (x / one) ** 2 + (y / two) ** 2
    series = products, products / (one * two) - correlation * squares / 2
    errors = [np.maximum(*standard_errors(blocks.means(part), blocks.share)) for part in series]
    return {
        "influence": -covariance * count / (count - 1),
        "influence_mcse": errors[0],
        "correlation": correlation,
        "correlation_mcse": errors[1],
    }
