"""Losses of language models, one number per token."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from torch import Tensor


def next_token_loss(model: Callable[[Tensor], Any], tokens: Tensor) -> Tensor:
    """Cross-entropy of each next token, −log p(x_{t+1} | x_{≤t}).

    Args:
        model: Maps tokens to logits (batch, position, vocab), or to an object that has `.logits`;
            a model with a method `next_token_losses` is asked for the losses themselves.
        tokens: (batch, position).

    Returns:
        Losses (batch, position − 1) in nats.
    """
    if (direct := getattr(model, "next_token_losses", None)) is not None:
        losses: Tensor = direct(tokens)
        return losses
    found = model(tokens)
    logits = found if isinstance(found, Tensor) else found.logits
    # One row per token: the kernel over (N, vocab) is faster than the one over more axes.
    flat = F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    return flat.view(tokens.shape[0], -1)
