"""Random text in which the next token depends on the last few, by a table."""

import torch
from torch import Tensor

from somite.core.checks import at_least, positive
from somite.core.errors import InputError


def markov_table(
    vocabulary: int, order: int, generator: torch.Generator, sharpness: float = 2.0
) -> Tensor:
    """Random probabilities of the next token: the softmax of sharpness × normal numbers.

    Args:
        vocabulary: Number of tokens.
        order: How many tokens back it looks.
        generator: Where the numbers come from; on the CPU.
        sharpness: Standard deviation of the logits; larger is more predictable.

    Returns:
        (vocabulary,) · (order + 1), float64; the last axis sums to one, the axis before it is the
        latest token.

    Raises:
        InputError: If a number is out of range.

    Example:
        >>> from somite.core.random import stream
        >>> markov_table(3, 2, stream("example")).shape
        torch.Size([3, 3, 3])
    """
    at_least("vocabulary", vocabulary, 2)
    at_least("order", order, 1)
    positive("sharpness", sharpness)
    shape = (vocabulary,) * (order + 1)
    logits = sharpness * torch.randn(shape, generator=generator, dtype=torch.float64)
    return logits.softmax(-1)


def markov_rows(table: Tensor, count: int, length: int, generator: torch.Generator) -> Tensor:
    """Rows of tokens by a table; the first ones are uniform.

    Args:
        table: Of `markov_table`.
        count: Number of rows.
        length: Tokens per row, more than the table looks back.
        generator: Where the numbers come from; on the CPU.

    Returns:
        (count, length), int64.

    Raises:
        InputError: If the table's axes differ, or the rows are too short.

    Example:
        >>> from somite.core.random import stream
        >>> swap = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> row = markov_rows(swap, 1, 5, stream("example"))[0]
        >>> bool((row[1:] != row[:-1]).all())
        True
    """
    if table.ndim < 2 or len(set(table.shape)) != 1:
        remedy = "Make it with markov_table."
        raise InputError("table", "must have two or more equal axes", tuple(table.shape), remedy)
    order, vocabulary = table.ndim - 1, len(table)
    at_least("count", count, 1)
    at_least("length", length, order + 1)
    rows = torch.empty(count, length, dtype=torch.long)
    rows[:, :order] = torch.randint(vocabulary, (count, order), generator=generator)
    for place in range(order, length):
        chances = table[tuple(rows[:, place - order : place].T)]
        rows[:, place] = torch.multinomial(chances, 1, generator=generator)[:, 0]
    return rows


def entropy(table: Tensor) -> Tensor:
    """Entropy of the next token for every context, in nats (the table's shape without its last).

    Example:
        >>> round(entropy(torch.full((2, 2), 0.5))[0].item(), 4)
        0.6931
    """
    return -torch.xlogy(table, table).sum(-1)
