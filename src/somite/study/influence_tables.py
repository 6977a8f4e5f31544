"""Which examples, and which tokens, influence chosen ones most, beside the control without loss."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import t as student

from somite.response import group_losses, influence, top_influences
from somite.response.blocks import Blocks
from somite.response.susceptibility import adjusted
from somite.response.top import paired
from somite.study.recorded_cells import Losses

LEVEL = 0.05
NUMBERS = ("influence", "influence_mcse", "correlation", "correlation_mcse")
PAIR = ("component", "query", "rank")
TOKENS = ("component", "query", "token_rank")
Pairs = tuple[xr.DataArray, xr.DataArray]


def influence_tables(
    own: Losses, control: Losses, queries: Sequence[int], count: int
) -> xr.Dataset:
    """The largest influences on some examples, and on one token of each.

    Chains that failed are left out. The token of a query is the one whose loss varies most over
    the draws, all components together.

    Args:
        own: Losses at draws around a checkpoint.
        control: The same at n_beta = 0, with another seed.
        queries: Numbers of the examples that are asked about.
        count: Influences on each.

    Returns:
        Over (component, query, rank): `example`, `influence`, `correlation` with `_mcse`, `q` of
        the correlation over all pairs, `control_correlation` with `_mcse` and `control_q` of the
        difference to it, over all pairs; the same named `token_…`, over `token_rank`, with
        `token_example` and `token`, each q as if all tokens had been tested. `query_example` and
        `query_token` (query,); `null_share` (component,), the share of p ≤ 0.05 among pairs of
        different chains, where all is false. Attributes of the draws.

    Raises:
        InputError: If there are too few good chains or draws.
    """
    chains, draws = own.loss.sizes["chain"], own.loss.sizes["probe_draw"]
    degrees = chains * len(Blocks.of(draws).share) - 1
    token = _varying(own.loss, queries)
    examples = [str(i) for i in range(own.loss.sizes["example"])]
    means = [
        group_losses(one.loss, examples).rename(group="example").drop_vars("example")
        for one in (own, control)
    ]
    columns = _of_examples((means[0], means[1]), queries, min(count, len(examples) - 1), degrees)
    places = list(zip(queries, token, strict=True))
    columns |= _of_tokens((own.loss, control.loss), places, count, degrees)
    columns["null_share"] = "component", _null_share(means[0], queries, degrees)
    columns["query_example"] = "query", np.array(queries)
    columns["query_token"] = "query", np.array(token)
    return xr.Dataset(columns, {"component": own.draws.component.values}, own.draws.attrs)


def _of_examples(means: Pairs, queries: Sequence[int], count: int, degrees: int) -> dict[str, Any]:
    """All pairs with errors, tested, of which the largest are kept."""
    own, control = (
        influence(one, one.isel(example=list(queries)), on_failure="leave out") for one in means
    )
    q = _q_values(own.correlation / own.correlation_mcse, queries, degrees)
    error = np.hypot(own.correlation_mcse, control.correlation_mcse)
    other = _q_values((own.correlation - control.correlation) / error, queries, degrees)
    size = abs(own.correlation.values)
    for place, query in enumerate(queries):
        size[:, place, query] = -1.0  # nothing influences itself more
    best = np.argsort(-np.nan_to_num(size, nan=-1.0), axis=2, kind="stable")[..., :count]

    def chosen(values: np.ndarray) -> tuple[Any, ...]:
        return PAIR, np.take_along_axis(values, best, 2)

    found = {name: chosen(own[name].values) for name in NUMBERS}
    for name in NUMBERS[2:]:
        found[f"control_{name}"] = chosen(control[name].values)
    return found | {"example": (PAIR, best), "q": chosen(q), "control_q": chosen(other)}


def _q_values(z: xr.DataArray, queries: Sequence[int], degrees: int) -> np.ndarray:
    """Two-sided (Student), over all pairs but those of an example with itself."""
    p_value = 2 * student.sf(abs(z.values), degrees)
    for place, query in enumerate(queries):
        p_value[:, place, query] = np.nan
    return adjusted(p_value)


def _of_tokens(
    losses: Pairs, places: Sequence[tuple[int, int]], count: int, degrees: int
) -> dict[str, tuple[Any, ...]]:
    """The largest influences of tokens on one token of each query."""
    own, control = losses
    inner = own.sizes["token"]
    number = own.sizes["example"] * inner
    best = min(count, number - 1)
    parts = []
    for example, token in places:
        query = own.isel(example=[example], token=[token])
        found = top_influences(own, query, count=best + 1, on_failure="leave out")
        found = found.isel(query=0, query_token=0)
        place = found.example * inner + found.token
        parts.append(_others(found, (place != example * inner + token).values, best))
    found = xr.concat(parts, "query").transpose(*PAIR)
    beside = _in_control(control, found, places)
    error = np.hypot(found.correlation_mcse, beside["correlation_mcse"])
    q = _as_if_all(found.correlation / found.correlation_mcse, number, degrees)
    other = _as_if_all((found.correlation - beside["correlation"]) / error, number, degrees)
    columns = {f"token_{name}": (TOKENS, found[name].values) for name in NUMBERS}
    columns |= {f"token_control_{name}": (TOKENS, beside[name]) for name in NUMBERS[2:]}
    columns |= {"token_q": (TOKENS, q), "token_control_q": (TOKENS, other)}
    return columns | {
        "token_example": (TOKENS, found.example.values), "token": (TOKENS, found.token.values)
    }  # fmt: skip


def _others(found: xr.Dataset, other: np.ndarray, count: int) -> xr.Dataset:
    """The first ranks of every component, without the query itself."""
    keep = np.argsort(~other, axis=1, kind="stable")[:, :count]
    numbers = {
        name: (("component", "rank"), np.take_along_axis(found[name].values, keep, 1))
        for name in (*NUMBERS, "example", "token")
    }
    return xr.Dataset(numbers)


def _in_control(
    control: xr.DataArray, found: xr.Dataset, places: Sequence[tuple[int, int]]
) -> dict[str, np.ndarray]:
    """Correlations of the same pairs in the control (component, query, rank)."""
    inner = control.sizes["token"]
    asked = np.array([example * inner + token for example, token in places])
    pairs = found.example.values * inner + found.token.values
    shape = pairs.shape
    result = {name: np.empty(shape) for name in NUMBERS[2:]}
    for component in range(shape[0]):
        series = control[component].values.astype(np.float64)
        series = series.reshape(*series.shape[:2], -1)
        series = series[np.isfinite(series).all((1, 2))]
        x, y = series[..., np.repeat(asked, shape[2])], series[..., pairs[component].ravel()]
        numbers = paired(x - x.mean((0, 1)), y - y.mean((0, 1)))
        for name, values in result.items():
            values[component] = numbers[name].reshape(shape[1:])
    return result


def _as_if_all(z: xr.DataArray, number: int, degrees: int) -> np.ndarray:
    """Adjusted p of the largest ones of so many tests: p times their number, over the rank."""
    ranks = np.arange(1, z.sizes["rank"] + 1)
    found: np.ndarray = np.minimum(1.0, 2 * student.sf(abs(z.values), degrees) * number / ranks)
    return found


def _varying(loss: xr.DataArray, queries: Sequence[int]) -> list[int]:
    """Token of each query whose loss varies most."""
    spread = np.zeros((len(queries), loss.sizes["token"]))
    for component in range(loss.sizes["component"]):
        part = loss[component].isel(example=list(queries)).values.astype(np.float64)
        spread += np.nanvar(part, axis=(0, 1))
    return [int(place) for place in spread.argmax(1)]


def _null_share(means: xr.DataArray, queries: Sequence[int], degrees: int) -> np.ndarray:
    """Share of p ≤ 0.05 where examples are paired with queries of the next chain."""
    others = means.isel(example=list(queries)).roll(chain=1)
    found = influence(means, others, on_failure="leave out")
    z = abs(found.correlation / found.correlation_mcse)
    share: np.ndarray = (2 * student.sf(z, degrees) <= LEVEL).mean((1, 2))
    return share
