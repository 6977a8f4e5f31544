"""What a language model suffers from text that is not as in training: noise in it, or its order."""

import torch
import xarray as xr
from torch import Tensor

from somite.behavior.losses import token_losses
from somite.behavior.rows import checked_rows
from somite.core.errors import InputError
from somite.models.transformer import Transformer


def corruption_damage(
    model: Transformer, rows: Tensor, share: float, generator: torch.Generator
) -> xr.DataArray:
    """Rise of the loss of the tokens that are left when others are replaced by random ones.

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position).
        share: Chance of each token but the first to be replaced, above 0 and below 1; the new one
            is uniform over the vocabulary.
        generator: Where the choice comes from; on the CPU.

    Returns:
        dims example, a row each [nats per token]: the mean over its tokens that were not replaced,
        NaN if there is none.

    Raises:
        InputError: If the share is out of range, or the rows do not fit the model.

    Example:
        >>> from somite.core.random import stream
        >>> from somite.models import TransformerConfig
        >>> model = Transformer(TransformerConfig(vocab_size=5, context=8))
        >>> rows = torch.zeros(3, 8, dtype=torch.long)
        >>> corruption_damage(model, rows, 0.1, stream("example")).dims
        ('example',)
    """
    if not 0 < share < 1:
        raise InputError("share", "must be between 0 and 1", share, "Give a share such as 0.1.")
    rows = checked_rows(model, rows, least=1)
    chosen = torch.rand(rows.shape, generator=generator) < share
    chosen[:, 0] = False
    new = torch.randint(model.config.vocab_size, rows.shape, generator=generator)
    changed = torch.where(chosen.to(rows.device), new.to(rows.device), rows)
    rise = token_losses(model, changed) - token_losses(model, rows)
    left = ~chosen[:, 1:].to(rows.device)
    mean = (rise * left).sum(1) / left.sum(1)
    return xr.DataArray(mean.cpu().numpy(), dims="example")


def reversal_damage(model: Transformer, rows: Tensor) -> xr.DataArray:
    """Loss of each row read backwards, minus its loss: text of the same tokens, in another order.

    Args:
        model: The model; left as it was.
        rows: Token ids (row, position).

    Returns:
        dims example, a row each [nats per token].

    Bad input:
        `InputError` if the rows do not fit the model.

    Example:
        >>> from somite.models import TransformerConfig
        >>> model = Transformer(TransformerConfig(vocab_size=5, context=8))
        >>> reversal_damage(model, torch.zeros(3, 8, dtype=torch.long)).values.tolist()
        [0.0, 0.0, 0.0]
    """
    rows = checked_rows(model, rows, least=1)
    rise = token_losses(model, rows.flip(1)) - token_losses(model, rows)
    return xr.DataArray(rise.mean(1).cpu().numpy(), dims="example")
