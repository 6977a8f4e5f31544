"""How much of its attention a head spends as a head of a known kind would.

    score = Σ_{rows, counted q} Σ_{k in target} a_{q,k} / number of counted queries

`attention_targets` defines targets and counted queries of each score: previous token, current
token, first token and duplicate token on the given rows, induction on random repeated rows.
"""

from collections.abc import Callable, Mapping
from functools import partial

import torch
import xarray as xr
from torch import Tensor

from somite.behavior.attention_targets import (
    Target,
    current_token,
    duplicate_token,
    first_token,
    induction,
    previous_token,
)
from somite.behavior.repeated_rows import default_period, repeated_rows
from somite.behavior.row_statistics import ratio_mean, standard_error
from somite.behavior.rows import checked_rows, chunks
from somite.core.errors import InputError
from somite.models.transformer import Transformer, TransformerConfig, head_names

SCORES = ("previous_token", "current_token", "first_token", "duplicate_token", "induction")

Targets = Mapping[str, Callable[[Tensor], Target]]
Patterns = Callable[[Tensor], Tensor]
Score = tuple[Tensor, Tensor]

_ON_GIVEN_ROWS: Targets = {
    "previous_token": previous_token,
    "current_token": current_token,
    "first_token": first_token,
    "duplicate_token": duplicate_token,
}


def attention_scores(
    model: Transformer, rows: Tensor, seed: int, period: int | None = None, n_repeated: int = 64
) -> xr.Dataset:
    """Attention scores of every head.

    Args:
        model: The model; left as it was.
        rows: Natural text, token ids (row, position), at least two rows.
        seed: Seed of the random strings for induction; the same seed gives the same strings at
            every checkpoint.
        period: Length of the random strings [tokens]; a quarter of the context unless given.
        n_repeated: Rows of random strings.

    Returns:
        Dataset over component: each name in `SCORES`, between 0 and 1, and with the suffix
        `_standard_error` its standard error across rows.

    Bad input:
        `InputError` if the rows do not fit the model, no token in them occurs twice in a row of
            text, or the period does not fit into the context.
    """

    def patterns(tokens: Tensor) -> Tensor:
        return torch.cat(model.trace(tokens).pattern, dim=1)

    scores = _all_scores(model, rows, seed, period, n_repeated, patterns)
    columns: dict[str, tuple[str, object]] = {}
    for name, (mean, error) in scores.items():
        columns[name] = ("component", mean.cpu().numpy())
        columns[f"{name}_standard_error"] = ("component", error.cpu().numpy())
    return xr.Dataset(columns, coords={"component": list(head_names(model.config))})


def chance_level(
    model: Transformer, rows: Tensor, seed: int, period: int | None = None, n_repeated: int = 64
) -> xr.Dataset:
    """What a head would score that attends evenly to all tokens so far: a_{q,k} = 1/(q+1).

    For previous, current and first token over T positions this is Σ_{q=1}^{T-1} 1/(q+1) / (T-1);
    for duplicate token and induction it depends on the rows, which are those of
    `attention_scores` when the arguments are the same.

    Args:
        model: The model, for its vocabulary and context.
        rows: As in `attention_scores`.
        seed: As in `attention_scores`.
        period: As in `attention_scores`.
        n_repeated: As in `attention_scores`.

    Returns:
        Dataset without dims: one number for each name in `SCORES`.

    Bad input:
        `InputError` as `attention_scores`.
    """
    scores = _all_scores(model, rows, seed, period, n_repeated, _even_patterns)
    return xr.Dataset({name: mean.item() for name, (mean, _) in scores.items()})


def _even_patterns(tokens: Tensor) -> Tensor:
    rows, length = tokens.shape
    even = torch.ones(length, length, dtype=torch.float64, device=tokens.device).tril()
    return (even / even.sum(-1, keepdim=True)).expand(rows, 1, length, length)


@torch.no_grad()
def _all_scores(
    model: Transformer,
    rows: Tensor,
    seed: int,
    period: int | None,
    n_repeated: int,
    patterns: Patterns,
) -> dict[str, Score]:
    config = model.config
    rows = checked_rows(model, rows)
    period = default_period(config) if period is None else period
    repeated = repeated_rows(config, n_repeated, period, seed).to(rows.device)
    on_repeated: Targets = {"induction": partial(induction, period=period)}
    return {
        **_scores(config, rows, _ON_GIVEN_ROWS, patterns),
        **_scores(config, repeated, on_repeated, patterns),
    }


def _scores(
    config: TransformerConfig, rows: Tensor, targets: Targets, patterns: Patterns
) -> dict[str, Score]:
    """Mean and standard error of each score (component,)."""
    sums: dict[str, list[Tensor]] = {name: [] for name in targets}
    counts: dict[str, list[Tensor]] = {name: [] for name in targets}
    for tokens in chunks(config, rows):
        pattern = patterns(tokens)
        for name, make in targets.items():
            target = make(tokens)
            counted = (target.keys & target.queries[..., None]).to(pattern.dtype)
            sums[name].append(torch.einsum("rcqk,rqk->cr", pattern, counted))
            counts[name].append(target.queries.sum(-1))
    return {name: _score(name, torch.cat(sums[name], 1), torch.cat(counts[name])) for name in sums}


def _score(name: str, sums: Tensor, counts: Tensor) -> Score:
    if not counts.any():
        rule = f"must hold a token that occurs twice in its row, for the score {name}"
        raise InputError("rows", rule, "none that does", "Pass longer rows of natural text.")
    mean, influence = ratio_mean(sums, counts)
    # Attention sums to 1 up to rounding, which must not carry a score past the end of its scale.
    return mean.clamp(0, 1), standard_error(influence)
