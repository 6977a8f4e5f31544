"""Losses, one number per example, or per token of a language model."""

from collections.abc import Callable, Sequence
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


def squared_error_loss(
    model: Callable[[Tensor], Tensor],
    batch: tuple[Tensor, Tensor],
    outputs: Sequence[int] | None = None,
) -> Tensor:
    """½ ‖f(x) − y‖², the negative log-likelihood of unit Gaussian noise up to a constant.

    Summed over the outputs, so that the losses of separate outputs add, and the Hessian at a true
    parameter is the mean of JᵀJ.

    Args:
        model: Maps inputs (batch, …) to (batch, outputs).
        batch: Inputs, and targets (batch, outputs).
        outputs: The outputs that count; all if left out. `functools.partial` makes a loss of it.

    Returns:
        (batch,).

    Example:
        >>> import torch
        >>> x, y = torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)
        >>> squared_error_loss(lambda x: x, (x, y)).item()
        2.5
        >>> squared_error_loss(lambda x: x, (x, y), outputs=[1]).item()
        2.0
    """
    x, y = batch
    error = model(x) - y
    if outputs is not None:
        error = error[:, list(outputs)]
    return error.square().sum(-1) / 2


def cross_entropy_loss(
    model: Callable[[Tensor], Tensor],
    batch: tuple[Tensor, Tensor],
    questions: Sequence[int] | None = None,
) -> Tensor:
    """−Σ_k log p_k(y_k): one softmax for each question that an example is asked.

    Args:
        model: Maps inputs (batch, …) to logits (batch, questions × classes), one question after
            another, all with as many classes.
        batch: Inputs, and labels (batch,) for one question, (batch, questions) for several.
        questions: Those that count; all if left out. `functools.partial` makes a loss of it.

    Returns:
        (batch,) in nats.

    Example:
        >>> import torch
        >>> x, labels = torch.zeros(1, 4), torch.tensor([[0, 1]])
        >>> round(cross_entropy_loss(lambda x: x, (x, labels)).item(), 4)  # 2 log 2
        1.3863
    """
    x, labels = batch
    columns = labels.reshape(len(labels), -1)
    logits = model(x).reshape(*columns.shape, -1)
    if questions is not None:
        columns, logits = columns[:, list(questions)], logits[:, list(questions)]
    losses = F.cross_entropy(logits.flatten(0, 1), columns.flatten(), reduction="none")
    return losses.view(columns.shape).sum(-1)
