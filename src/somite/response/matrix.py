r"""The response matrix of components to probes, examples or tokens, and what it is made of.

X (item, component) holds χ. Its columns are standardised over the items, then its rows are centred:
what all components have in common at an item is taken out. With X = U S Vᵀ the columns of V are
loadings of components, those of U S scores of items.

All follows from the sums of x and of x xᵀ over items, x a row, so that items come piece by piece.
"""

from typing import Any

import numpy as np
import xarray as xr

from somite.components.unions import FULL
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.response.blocks import Array, check_enough
from somite.response.source import Source
from somite.response.susceptibility import susceptibility

LEAST = 1e-12
"""Spread over the items, relative to the largest, below which a column cannot be standardised."""


def response_matrix(
    draws: xr.Dataset,
    losses: xr.Dataset | xr.DataArray | None = None,
    *,
    replicates: int = 100,
    seed: int = 0,
    center_rows: bool = True,
    on_failure: str = "raise",
) -> xr.Dataset:
    """The matrix of restricted susceptibilities with its singular values, loadings and errors.

    Errors are standard deviations over bootstrap replicates: blocks of √draws draws of all chains
    are drawn with replacement, the same for all components, which share minibatches and noise. A
    replicate's loadings have the sign that fits best; `overlap` says how far a direction is the
    same in them, 1 for always.

    Args:
        draws: From `somite.sample`; the component named full is left out.
        losses: As in `susceptibility`.
        replicates: Number of bootstrap replicates, at least 2.
        seed: Of the bootstrap.
        center_rows: Whether to take out what all components have in common at an item.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any component.

    Returns:
        The columns of `susceptibility`, and `standardized` (component, item, …); over mode
        `singular_value` with `singular_value_error`, `explained` (share of the squares), `overlap`;
        `loading` (mode, component) with `loading_error`; `score` (mode, item, …);
        `effective_rank`, exp(−Σ p log p) of p = s/Σs, with its error. Attributes of the draws.

    Raises:
        InputError: As `susceptibility`; if there are fewer than two components or items, or a
            component answers to all items alike.

    Source: Structural inference (arXiv 2504.18274) for the standardisation; Roy and Vetterli 2007
    for the effective rank.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, x: (x * model.weight[0] ** 2).sum(1)
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> masks = {name: so.Mask({"weight": torch.arange(2)[None] == i})
        ...          for i, name in enumerate("AB")}
        >>> probes = {"reference": torch.ones(1, 2), "a": torch.tensor([[2.0, 1.0]]),
        ...           "b": torch.tensor([[1.0, 2.0]])}
        >>> draws = so.sample(model, so.Target(loss, torch.ones(1, 2), 10, 1), so.BAOAB(0.2, 2.0),
        ...                   components=masks, probes=probes, draws=100)
        >>> found = response_matrix(draws, replicates=5)
        >>> found.explained.round(6).values.tolist()
        [1.0, 0.0]
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    at_least("replicates", replicates, 2, "Use 100.")
    chosen = _without_full(draws, losses)
    source = Source(*chosen, on_failure=on_failure)
    check_enough(len(source.good), source.draws)
    at_least("number of components", len(source.components), 2, "Sample more components.")
    items = int(np.prod(source.shape))
    at_least("number of items", items, 2, "Give more probes, examples or tokens.")
    table = susceptibility(*chosen, on_failure=on_failure)
    center, spread = _scale(table, source.dims)
    grams = _grams(source, _weights(source, replicates, seed))
    values, loadings = _modes(grams, items, center_rows)
    standard = (table.susceptibility - center) / spread
    if center_rows:
        standard = standard - standard.mean("component")
    table["standardized"] = standard
    table = table.assign(_columns(values, loadings)).assign_coords(mode=np.arange(len(values[0])))
    table["score"] = xr.dot(table.loading, standard, dim="component")
    return table


def shuffled_values(table: xr.Dataset, shuffles: int, seed: int) -> Array:
    """Singular values where components answer to the items independently of each other.

    The items are shuffled for every component apart, and the matrix is standardised and centred as
    in `response_matrix`. Singular values above these are owed to what components have in common.

    (A χ of which one factor is of another chain is no such null: all that it owes to the items
    stays, times a small number, and standardising takes the number out.)

    Args:
        table: From `response_matrix` or `susceptibility`.
        shuffles: How often.
        seed: Of the shuffles.

    Returns:
        (shuffle, mode).

    Source: Parallel analysis (Horn 1965), by permutation.
    """
    values = table.susceptibility.values.reshape(table.sizes["component"], -1)
    generator = np.random.default_rng(stream_seed("shuffled response matrix", seed))
    first, second = [], []
    for _ in range(shuffles):
        one = generator.permuted(values, axis=1)
        first.append(one.sum(1))
        second.append(one @ one.T)
    return _modes((np.array(first), np.array(second)), values.shape[1], center_rows=True)[0]


def effective_rank(values: Array) -> Array:
    """exp(−Σ p log p) of p = s/Σs for singular values s along the last axis.

    Example:
        >>> float(effective_rank(np.array([2.0, 2.0, 0.0])).round(6))
        2.0
    """
    shares = values / values.sum(-1, keepdims=True)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    rank: Array = np.exp(-(shares * logs).sum(-1))
    return rank


def _without_full(draws: xr.Dataset, losses: Any) -> tuple[Any, Any]:
    kept = draws.component.values != FULL
    return draws.isel(component=kept), None if losses is None else losses.isel(component=kept)


def _scale(table: xr.Dataset, dims: tuple[str, ...]) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean and standard deviation of each component over the items.

    Raises:
        InputError: If a component answers to all items alike.
    """
    center, spread = table.susceptibility.mean(dims), table.susceptibility.std(dims)
    for name, found in zip(table.component.values, spread.values, strict=True):
        if not found > LEAST * float(spread.max()):
            remedy = "Leave that component out."
            rule = "must answer differently to different items"
            raise InputError(f"component {name}", rule, f"a spread of {found}", remedy)
    return center, spread


def _weights(source: Source, replicates: int, seed: int) -> Array:
    """How much every block of every chain counts (replicate, chain · block); the first: as it is.

    Blocks are drawn with replacement; their weights are shares of the draws, which sum to 1.
    """
    share = np.tile(source.share, len(source.good)) / len(source.good)
    generator = np.random.default_rng(stream_seed("response matrix", seed))
    picks = generator.multinomial(len(share), np.full(len(share), 1 / len(share)), replicates)
    drawn = picks * share
    weights: Array = np.vstack([share, drawn / drawn.sum(1, keepdims=True)])
    return weights


def _grams(source: Source, weights: Array) -> tuple[Array, Array]:
    """Σ x and Σ x xᵀ over items of every replicate, x the χ of all components."""
    count = len(source.components)
    first, second = np.zeros((len(weights), count)), np.zeros((len(weights), count, count))
    for items in source.pieces(count):
        rows = np.stack([_replicated(source, i, items, weights) for i in range(count)], 1)
        first += rows.sum(-1)
        second += rows @ rows.transpose(0, 2, 1)
    return first, second


def _replicated(source: Source, component: int, items: slice, weights: Array) -> Array:
    """χ of a component to some items (replicate, item)."""
    change, product = (x.reshape(-1, x.shape[-1]) for x in source.means(component, items))
    observable = source.observable(component).ravel()
    found: Array = (weights @ observable)[:, None] * (weights @ change) - weights @ product
    return found


def _modes(sums: tuple[Array, Array], items: int, center_rows: bool) -> tuple[Array, Array]:
    """Singular values (replicate, mode) and loadings (replicate, mode, component), first: as is."""
    first, second = sums
    mean = first / items
    covariance = second / items - mean[:, :, None] * mean[:, None, :]
    spread = np.sqrt(np.einsum("rcc->rc", covariance))
    gram = covariance * items / (spread[:, :, None] * spread[:, None, :])
    if center_rows:
        size = gram.shape[-1]
        projector = np.eye(size) - 1 / size
        gram = projector @ gram @ projector
    squares, vectors = np.linalg.eigh(gram)
    values = np.sqrt(np.maximum(squares[:, ::-1], 0.0))
    return values, vectors[:, :, ::-1].transpose(0, 2, 1)


def _columns(values: Array, loadings: Array) -> dict[str, Any]:
    own, drawn = loadings[0], loadings[1:]
    own = own * np.where(own.sum(1) < 0, -1.0, 1.0)[:, None]  # a sign has to be chosen
    products = (drawn * own).sum(-1, keepdims=True)  # (replicate, mode, 1)
    turned = drawn * np.where(products < 0, -1.0, 1.0)
    rank = effective_rank(values)
    squares = values[0] ** 2
    return {
        "singular_value": ("mode", values[0]),
        "singular_value_error": ("mode", values[1:].std(0, ddof=1)),
        "explained": ("mode", squares / squares.sum()),
        "overlap": ("mode", np.median(abs(products[..., 0]), 0)),
        "loading": (("mode", "component"), own),
        "loading_error": (("mode", "component"), turned.std(0, ddof=1)),
        "effective_rank": rank[0],
        "effective_rank_error": rank[1:].std(ddof=1),
    }
