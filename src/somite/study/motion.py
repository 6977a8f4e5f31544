"""Where tokens lie in the space of susceptibilities at several checkpoints, and how they move."""

from collections.abc import Callable, Mapping

import numpy as np
import xarray as xr
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
FEWEST = 3
"""Fewest components: what they have in common is taken out, and a plane has two axes."""


def motion_cell(context: Context, recorded: Mapping[int, Mapping[str, Job]]) -> Planned:
    """Places and motion of tokens over the checkpoints whose losses are recorded."""
    seed = context.recipe.stages.seed
    keys = {str(step): jobs[POSTERIOR].cell.key for step, jobs in recorded.items()}
    identity = {
        "losses": keys,
        "seed": seed,
        "code": code_fingerprint(*ANALYSIS_ROWS, "sampling", "response"),
    }

    def make() -> xr.Dataset:
        losses = {
            step: read_losses(jobs[POSTERIOR].cell.path(context.run))
            for step, jobs in recorded.items()
        }
        tokenizer = context.corpus.tokenizer
        tokens, domains = text_rows(context), np.array(text_domains(context))
        found = motion_tables(losses, tokens, lambda token: tokenizer.decode([token]), seed)
        texts = [tokenizer.token_text(token) for token in range(tokenizer.vocab_size)]
        return found.assign(text=("id", texts), domain=("example", domains[found.example.values]))

    return Planned(Cell("motion", place(max(recorded)), identity), make)


def can_move(recorded: Mapping[int, Mapping[str, Job]]) -> bool:
    """Whether there are checkpoints and components enough for a motion on a plane."""
    names = next(iter(recorded.values()))[POSTERIOR].cell.identity["components"]
    return len(recorded) > 1 and len(set(names) - {FULL}) >= FEWEST


def motion_tables(
    losses: Mapping[int, Losses], tokens: Tensor, text: Callable[[int], str], seed: int
) -> xr.Dataset:
    """Places, motion and categories of tokens over checkpoints, with errors.

    Chains that failed are left out. Of many tokens whole rows are taken, evenly spread.

    Args:
        losses: By checkpoint, those of the same rows and components.
        tokens: These rows (example, position).
        text: Text of a token by its number.
        seed: Of the bootstrap.

    Returns:
        `position`, `explained` and `explained_error` of `somite.embed_tokens`; over the
        checkpoints, NaN at the first, `square` and `category_square` with their errors of
        `somite.token_motion`; `category_member` (category, example, token), `token_id` (example,
        place). The coordinate example says which rows were taken.

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
    return found.assign_coords(example=rows)


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
