"""Where tokens lie in the space of susceptibilities at several checkpoints, and how they move."""

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from itertools import combinations

import numpy as np
import xarray as xr
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from somite.components.unions import FULL
from somite.core.fingerprint import code_fingerprint
from somite.response import (
    bootstrap_susceptibility,
    embed_tokens,
    susceptibility,
    token_categories,
    token_motion,
)
from somite.response.embryology.alignment import rotation_to
from somite.response.embryology.embedding import NEIGHBORS
from somite.study.analysis import ANALYSIS_ROWS, Planned
from somite.study.cells import Cell
from somite.study.context import Context
from somite.study.jobs import Job, place
from somite.study.recorded_cells import Losses, read_losses
from somite.study.response_jobs import POSTERIOR, text_domains, text_rows

LEAVE = "leave out"
REPLICATES = 20
MOST = 2400
"""Most tokens: a picture of more moves slowly."""
SEEDS = 3
"""Pictures by UMAP: what they do not share is chance."""
NEAR = 15
"""Neighbours of a token by which two pictures are compared."""
FEWEST = 3
"""Fewest components: what they have in common is taken out, and a plane has two axes."""


def motion_cell(context: Context, recorded: Mapping[int, Mapping[str, Job]]) -> Planned:
    """Places and motion of tokens over the checkpoints whose losses are recorded."""
    seed = context.recipe.stages.seed
    keys = {str(step): jobs[POSTERIOR].cell.key for step, jobs in recorded.items()}
    identity = {
        "losses": keys,
        "seed": seed,
        "umap": umap_version(),
        "code": code_fingerprint(*ANALYSIS_ROWS, "sampling", "response"),
    }

    def make() -> xr.Dataset:
        losses = {
            step: read_losses(jobs[POSTERIOR].cell.path(context.run))
            for step, jobs in recorded.items()
        }
        tokenizer = context.corpus.tokenizer
        tokens, domains = text_rows(context), np.array(text_domains(context))
        umap = bool(umap_version())
        found = motion_tables(losses, tokens, lambda token: tokenizer.decode([token]), seed, umap)
        texts = [tokenizer.token_text(token) for token in range(tokenizer.vocab_size)]
        return found.assign(text=("id", texts), domain=("example", domains[found.example.values]))

    return Planned(Cell("motion", place(max(recorded)), identity), make)


def can_move(recorded: Mapping[int, Mapping[str, Job]]) -> bool:
    """Whether there are checkpoints and components enough for a motion on a plane."""
    names = next(iter(recorded.values()))[POSTERIOR].cell.identity["components"]
    return len(recorded) > 1 and len(set(names) - {FULL}) >= FEWEST


def motion_tables(
    losses: Mapping[int, Losses],
    tokens: Tensor,
    text: Callable[[int], str],
    seed: int,
    umap: bool = False,
) -> xr.Dataset:
    """Places, motion and categories of tokens over checkpoints, with errors.

    Chains that failed are left out. Of many tokens whole rows are taken, evenly spread.

    Args:
        losses: By checkpoint, those of the same rows and components.
        tokens: These rows (example, position).
        text: Text of a token by its number.
        seed: Of the bootstrap, and of UMAP.
        umap: Whether to add pictures by UMAP, if there are tokens enough.

    Returns:
        `position`, `explained` and `explained_error` of `somite.embed_tokens`; over the
        checkpoints, NaN at the first, `square` and `category_square` with their errors of
        `somite.token_motion`; `category_member` (category, example, token), `token_id` (example,
        place); with UMAP what `pictures` gives. The coordinate example says which rows were taken.

    Raises:
        InputError: As `somite.bootstrap_susceptibility` and `somite.embed_tokens`.
    """
    count, length = len(tokens), tokens.shape[1] - 1
    chosen = np.unique(np.linspace(0, count - 1, max(1, min(count, MOST // length))).round())
    rows = chosen.astype(int)
    series, noise = _over_training(losses, rows, seed)
    own = tokens.numpy()[rows]
    kinds = token_categories(series, own, text)
    places = embed_tokens(series, replicates=noise)
    moved = token_motion(series, noise, kinds)
    names = ("square", "square_error", "category_square", "category_square_error")
    found = xr.merge([places, moved[list(names)]], join="outer", combine_attrs="drop")
    found["category_member"] = kinds
    found["token_id"] = ("example", "place"), own.astype(np.int32)
    if umap and rows.size * length > NEIGHBORS:
        found = found.merge(pictures(series, seed))
    return found.assign_coords(example=rows)


def pictures(series: xr.DataArray, seed: int) -> xr.Dataset:
    """Aligned UMAP with several seeds, each turned as a whole towards the first.

    Args:
        series: χ (checkpoint, component, example, token).
        seed: Of the first; the others have the next ones.

    Returns:
        `umap_position` (picture, checkpoint, example, token, axis); `umap_shared`, the share of
        the nearest neighbours of a token at the last checkpoint that two pictures share, mean over
        tokens and pairs.
    """
    found = [embed_tokens(series, method="umap", seed=seed + i).position for i in range(SEEDS)]
    flat = [one.values.reshape(one.sizes["checkpoint"], -1, 2) for one in found]
    for i in range(1, SEEDS):
        turned = flat[i] @ rotation_to(flat[i][-1], flat[0][-1])
        found[i] = found[i].copy(data=turned.reshape(found[i].shape))
    position = xr.concat(found, "picture").astype(np.float32)
    return xr.Dataset(
        {"umap_position": position, "umap_shared": shared_neighbors([one[-1] for one in flat])}
    )


def shared_neighbors(places: list[np.ndarray]) -> float:
    """Share of the nearest neighbours that two pictures (item, axis) share, mean over pairs.

    Example:
        >>> cloud = np.random.default_rng(0).normal(size=(100, 2))
        >>> shared_neighbors([cloud, -cloud])
        1.0
    """
    near = [NearestNeighbors(n_neighbors=NEAR).fit(one).kneighbors()[1] for one in places]
    shares = [
        np.mean([len(set(a) & set(b)) / NEAR for a, b in zip(one, two, strict=True)])
        for one, two in combinations(near, 2)
    ]
    return float(np.mean(shares))


def umap_version() -> str:
    """Version of UMAP; empty if it is not installed."""
    try:
        return version("umap-learn")
    except PackageNotFoundError:
        return ""


def _over_training(
    losses: Mapping[int, Losses], rows: np.ndarray, seed: int
) -> tuple[xr.DataArray, xr.DataArray]:
    """χ of some rows and its replicates, over the checkpoints."""
    values, replicates, steps = [], [], sorted(losses)
    for step in steps:
        draws = losses[step].draws
        loss = losses[step].loss.isel(example=rows).load()
        table = susceptibility(draws, loss, errors=False, on_failure=LEAVE).susceptibility
        values.append(table.sel(component=table.component != FULL))
        again = bootstrap_susceptibility(
            draws, loss, replicates=REPLICATES, seed=seed, on_failure=LEAVE
        )
        replicates.append(again)
    over = xr.Variable("checkpoint", steps)
    return xr.concat(values, over), xr.concat(replicates, over, combine_attrs="drop")
