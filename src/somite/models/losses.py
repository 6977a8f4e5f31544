"""Losses, one number per example, or per token of a language model."""

from collections.abc import Callable, Mapping, Sequence
from inspect import isroutine, signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from somite.core.errors import InputError

IGNORED = -100
"""Label of a position that has no loss, as Hugging Face writes it."""
TOKENS = Tensor | Mapping[str, Tensor]


def next_token_loss(model: Callable[..., Any], batch: TOKENS) -> Tensor:
    """Cross-entropy of each next token, −log p(x_{t+1} | x_{≤t}).

    For a mapping, the mean over the real ones of each row: a token counts if neither it nor the one
    before it is masked in `attention_mask`, and its label is not −100. Every row counts the same,
    however long it is. A row without any real token has the loss NaN.

    Args:
        model: Maps tokens to logits (batch, position, vocab), or to an object that has `.logits`;
            a model with a method `next_token_losses` is asked for the losses of tokens.
        batch: Tokens (batch, position), or a mapping of `input_ids` and whatever else the model
            takes as keywords, such as `attention_mask`; `labels` are kept from it. A model that
            takes no keyword `input_ids` gets the tokens alone; it is causal, so that padding on the
            right cannot act, and rows that are padded on the left have no real token.

    Returns:
        Losses (batch, position − 1) in nats; (batch,) for a mapping.

    Raises:
        InputError: If the rows have one token only, or a mapping has no `input_ids`.

    Example:
        >>> import torch
        >>> rows = {"input_ids": torch.tensor([[0, 1, 1]]), "labels": torch.tensor([[0, -100, 1]])}
        >>> even = lambda input_ids: torch.zeros(1, 3, 2)
        >>> round(next_token_loss(even, rows).item(), 4)  # log 2
        0.6931
    """
    tokens = _field(batch, "input_ids") if isinstance(batch, Mapping) else batch
    if tokens.shape[1] < 2:
        remedy = "Take longer rows: a token is predicted from those before it."
        raise InputError("data", "must have rows of at least two tokens", tokens.shape[1], remedy)
    if isinstance(batch, Mapping):
        return _of_real_tokens(model, batch)
    if (direct := getattr(model, "next_token_losses", None)) is not None:
        losses: Tensor = direct(tokens)
        return losses
    return _cross_entropy(_logits(model, tokens)[:, :-1], tokens[:, 1:])


def _of_real_tokens(model: Callable[..., Any], batch: Mapping[str, Tensor]) -> Tensor:
    """Mean over the tokens of each row that count (batch,)."""
    tokens = batch["input_ids"]
    labels, shown = batch.get("labels", tokens), torch.ones_like(tokens, dtype=torch.bool)
    if "attention_mask" in batch:
        shown = batch["attention_mask"].bool()
    real = (labels[:, 1:] != IGNORED) & shown[:, 1:] & shown[:, :-1]
    if not _takes_keywords(model):  # no mask hides what is padded before the first token
        real = real & shown[:, :1]
    logits = _logits(model, batch)
    return _mean_of_real(_cross_entropy(logits[:, :-1], labels[:, 1:]), real)


def masked_lm_loss(model: Callable[..., Any], batch: Mapping[str, Tensor]) -> Tensor:
    """Mean over the masked tokens of a row of −log p(label | the row): a masked language model.

    A row without a label has the loss NaN, and sampling refuses it.

    Args:
        model: Maps the fields of the batch other than `labels`, as keywords, to logits
            (batch, position, vocab), or to an object that has `.logits`; without a keyword
            `input_ids` it gets the tokens alone.
        batch: `input_ids` with the masked tokens replaced, `labels` (batch, position): the token
            there, or −100 where nothing is asked; whatever else the model takes. The masks belong
            to the data: drawn anew in each evaluation, they would be noise.

    Returns:
        (batch,) in nats.

    Raises:
        InputError: If a field is missing.

    Example:
        >>> import torch
        >>> rows = {"input_ids": torch.tensor([[0, 1]]), "labels": torch.tensor([[-100, 1]])}
        >>> round(masked_lm_loss(lambda input_ids: torch.zeros(1, 2, 4), rows).item(), 4)  # log 4
        1.3863
    """
    labels = _field(batch, "labels")
    return _mean_of_real(_cross_entropy(_logits(model, batch), labels), labels != IGNORED)


def _field(batch: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in batch:
        raise InputError("data", f"must have the field {name}", list(batch), "Name it so.")
    return batch[name]


def _logits(model: Callable[..., Any], batch: TOKENS) -> Tensor:
    if isinstance(batch, Mapping) and _takes_keywords(model):
        found = model(**{name: value for name, value in batch.items() if name != "labels"})
    else:
        found = model(_field(batch, "input_ids") if isinstance(batch, Mapping) else batch)
    logits: Tensor = found if isinstance(found, Tensor) else found.logits
    return logits


def _takes_keywords(model: Callable[..., Any]) -> bool:
    """Whether tokens and mask are handed over by name, as to the models of Hugging Face."""
    call = model.forward if isinstance(model, nn.Module) else model
    named = signature(call if isroutine(call) else type(call).__call__).parameters
    return "input_ids" in named or any(p.kind is p.VAR_KEYWORD for p in named.values())


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Losses (batch, position); 0 where the label is ignored."""
    # One row per token: the kernel over (N, vocab) is faster than the one over more axes.
    flat = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return flat.view(labels.shape)


def _mean_of_real(losses: Tensor, real: Tensor) -> Tensor:
    """Mean over the real positions of each row (batch,); NaN where there are none."""
    return torch.where(real, losses, 0.0).sum(1) / real.sum(1)


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
