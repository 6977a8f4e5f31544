"""Random strings repeated: text in which only induction can tell what comes next."""

import torch
from torch import Tensor

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models.transformer import TransformerConfig


def default_period(config: TransformerConfig) -> int:
    """A quarter of the context: four periods, as in Olsson et al. 2022 (25 tokens, four times)."""
    return max(1, config.context // 4)


def repeated_rows(config: TransformerConfig, number: int, period: int, seed: int) -> Tensor:
    """Rows that fill the context with a string of uniformly random tokens, over and over.

    Args:
        config: Shape of the model: vocabulary and context.
        number: Rows.
        period: Length of the string; drawn anew for each row.
        seed: Seed of the stream (seed, "induction", number, period).

    Returns:
        Token ids (row, position) on the CPU.

    Raises:
        InputError: If there are fewer than two rows, or the period does not fit into the context.

    Example:
        >>> config = TransformerConfig(vocab_size=9, context=8)
        >>> rows = repeated_rows(config, number=2, period=3, seed=0)
        >>> bool((rows[:, 3:] == rows[:, :-3]).all())
        True
    """
    at_least("n_repeated", number, 2)
    at_least("period", period, 1)
    if period >= config.context:
        rule = f"must be shorter than the context of {config.context} tokens"
        raise InputError("period", rule, period, "Give a quarter of the context.")
    generator = stream(seed, "induction", number, period)
    string = torch.randint(config.vocab_size, (number, period), generator=generator)
    return string.repeat(1, -(-config.context // period))[:, : config.context]
