"""Text for heads of known roles: bigram chains, repeated strings, skip-trigrams.

Every row begins with the start token. The three kinds of rows have tokens of their own, numbered by
`somite.models.RoleTokens`:

    bigram    a Markov chain by a table
    repeats   a string of different tokens, again and again
    skip      fillers with one trigger in the first third; the query comes now and then after it,
              each time followed by the answer of the trigger
"""

import torch
from torch import Tensor

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.data.markov import markov_rows
from somite.models.head_roles import RoleTokens

KINDS = ("bigram", "repeats", "skip")
ASKED = 0.3
"""Chance that the query comes next where it may."""


def role_rows(
    kind: str,
    tokens: RoleTokens,
    table: Tensor,
    shape: tuple[int, int],
    generator: torch.Generator,
) -> Tensor:
    """Rows of one kind.

    Args:
        kind: "bigram", "repeats" or "skip".
        tokens: Numbering of the tokens.
        table: Bigram probabilities (n, n).
        shape: Rows, and tokens per row with the start token, at least 6.
        generator: Where the numbers come from; on the CPU.

    Returns:
        (rows, length), int64.

    Raises:
        InputError: If the kind is unknown or a row too short.

    Example:
        >>> from somite.core.random import stream
        >>> table = torch.full((3, 3), 1 / 3)
        >>> role_rows("repeats", RoleTokens(3, 1), table, (2, 9), stream("example")).shape
        torch.Size([2, 9])
    """
    count, length = shape
    at_least("shape", count, 1)
    at_least("shape", length, 6)
    one_of("kind", kind, KINDS)
    if kind == "bigram":
        rows = tokens.bigram.start + markov_rows(table, count, length - 1, generator)
    elif kind == "repeats":
        rows = _repeats(tokens, count, length - 1, generator)
    else:
        rows = _skips(tokens, count, length - 1, generator)
    return torch.cat([torch.zeros(count, 1, dtype=torch.long), rows], 1)


def _repeats(tokens: RoleTokens, count: int, length: int, generator: torch.Generator) -> Tensor:
    """Strings of different tokens, of a period from n/2 to n, that fit at least twice.

    Raises:
        InputError: If not even the shortest string fits twice.
    """
    shortest, longest = max(2, tokens.each // 2), min(tokens.each, length // 2)
    if longest < shortest:
        rule = f"must hold a string of {shortest} tokens twice"
        raise InputError("shape", rule, length + 1, "Make the rows longer or the strings shorter.")
    order = torch.rand(count, tokens.each, generator=generator).argsort(1)
    period = torch.randint(shortest, longest + 1, (count, 1), generator=generator)
    return tokens.repeats.start + order.gather(1, torch.arange(length) % period)


def _skips(tokens: RoleTokens, count: int, length: int, generator: torch.Generator) -> Tensor:
    rows = torch.randint(tokens.each, (count, length), generator=generator) + tokens.fillers.start
    chosen = torch.randint(tokens.triggers, (count,), generator=generator)
    place = torch.randint(length // 3, (count,), generator=generator)
    every = torch.arange(count)
    rows[every, place] = chosen + tokens.trigger.start
    asked = torch.rand(count, length, generator=generator) < ASKED
    for column in range(1, length - 1):
        asks = asked[:, column] & (place < column) & (rows[:, column] != tokens.query)
        asks &= ~torch.isin(rows[:, column], torch.tensor(tokens.answer))
        rows[asks, column] = tokens.query
        rows[asks, column + 1] = chosen[asks] + tokens.answer.start
    return rows
