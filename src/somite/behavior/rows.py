"""Rows of tokens at the border: checked once, then taken a chunk at a time."""

from collections.abc import Iterator

import torch
from torch import Tensor

from somite.core.checks import finite_weights
from somite.core.errors import InputError
from somite.models.transformer import Transformer, TransformerConfig

CHUNK_ELEMENTS = 2**22
"""About how many numbers a chunk may hold at once: 16 MiB in float32."""


def checked_rows(model: Transformer, rows: Tensor, least: int = 2, shortest: int = 2) -> Tensor:
    """Rows of tokens that the model can read, on the model's device.

    Args:
        model: The model that is to read them.
        rows: Token ids, whole numbers (row, position).
        least: Fewest rows; a standard error needs two.
        shortest: Fewest positions.

    Returns:
        The same rows as int64.

    Raises:
        InputError: If they are not a table of whole numbers, are too few, too short or too long,
            or hold an id outside the vocabulary, or the model's weights are not finite.
    """
    finite_weights("model", dict(model.named_parameters()))
    integral = not (rows.is_floating_point() or rows.is_complex() or rows.dtype == torch.bool)
    if rows.ndim != 2 or not integral:
        got = f"{rows.dtype} of shape {tuple(rows.shape)}"
        raise InputError(
            "rows", "must be whole numbers (row, position)", got, "Pass a table of token ids."
        )
    number, length = rows.shape
    if number < least:
        raise InputError("rows", f"must be at least {least}", number, "Pass more rows.")
    _check_length(length, shortest, model.config.context)
    _check_ids(rows, model.config.vocab_size)
    return rows.to(model.embed.device, torch.int64)


def _check_length(length: int, shortest: int, context: int) -> None:
    if not shortest <= length <= context:
        rule = f"must have {shortest} to {context} tokens each"
        raise InputError("rows", rule, length, "Cut the text into rows of the model's context.")


def _check_ids(rows: Tensor, vocab_size: int) -> None:
    low, high = int(rows.min()), int(rows.max())
    if low < 0 or high >= vocab_size:
        rule = f"must hold token ids from 0 to {vocab_size - 1}"
        value = low if low < 0 else high
        raise InputError("rows", rule, value, "Encode the text with the model's own tokenizer.")


def chunk_length(config: TransformerConfig, length: int) -> int:
    """Number of rows whose traces and predictions together stay near `CHUNK_ELEMENTS`.

    Args:
        config: Shape of the model.
        length: Tokens per row.

    Returns:
        At least one.

    Example:
        >>> chunk_length(TransformerConfig(vocab_size=256, context=64), 64)
        23
    """
    heads = config.n_layers * config.n_heads
    traced = heads * length * (length + config.d_model)
    predicted = 3 * length * config.vocab_size  # logits, log-probabilities, corpus statistics
    return max(1, CHUNK_ELEMENTS // (traced + predicted))


def chunks(config: TransformerConfig, rows: Tensor) -> Iterator[Tensor]:
    """Consecutive rows, a chunk at a time."""
    yield from torch.split(rows, chunk_length(config, rows.shape[1]))
