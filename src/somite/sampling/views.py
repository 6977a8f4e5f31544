"""A model with a component moved: its losses as a function of the moved weights."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from somite.components.patch import Patch
from somite.core.errors import InputError
from somite.sampling.target import Data, Loss, n_examples, per_example, rows

View = Callable[[Data, Tensor], Tensor]


class LossModule(nn.Module):
    """Loss and model as one module, so that the loss sees a model whose weights are replaced."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        """Keep both."""
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Data) -> Tensor:
        """Losses of a batch."""
        return self.loss(self.model, batch)


@dataclass(frozen=True)
class LogitsModel:
    """What the loss calls instead of the model when only a few heads have moved.

    Args:
        run: Logits of tokens.
        next_token_losses: Losses of the next tokens; the logits are never stored.
    """

    run: Callable[[Tensor], Tensor]
    next_token_losses: Callable[[Tensor], Tensor]

    def __call__(self, tokens: Tensor) -> Tensor:
        """Logits of tokens."""
        return self.run(tokens)

    def __getattr__(self, name: str) -> Any:
        """Only for what is not there.

        Raises:
            InputError: Always.
        """
        remedy = "Pass sharing=False to sample if the loss needs more of the model than its logits."
        raise InputError("loss", "may only call model(tokens)", f"model.{name}", remedy)


@dataclass(frozen=True)
class WholeView:
    """Losses of a batch with the whole model run again on replaced weights.

    Args:
        module: Loss and model; it holds the center.
        patch: The moved weights.
        around: What is entered for a batch while the model runs.
    """

    module: LossModule
    patch: Patch
    around: Callable[[Data], AbstractContextManager[None]] = lambda batch: nullcontext()

    def __call__(self, batch: Data, flat: Tensor | Sequence[Tensor]) -> Tensor:
        """Losses, differentiable in the weights, a flat vector or what `Patch.cut` gives of it."""
        moved = {f"model.{name}": weight for name, weight in self.patch.weights(flat).items()}
        with self.around(batch):
            losses: Tensor = functional_call(self.module, moved, (batch,))
        return losses


def whole_view(model: nn.Module, loss: Loss, patch: Patch) -> WholeView:
    """Losses of a batch with the whole model run again on replaced weights.

    Args:
        model: Holds the center.
        loss: Called as loss(model, batch).
        patch: The moved weights.

    Returns:
        A function of (batch, flat weights) that gives losses, differentiable in the weights.
    """
    return WholeView(LossModule(model, loss), patch)


def center_losses(model: nn.Module, loss: Loss) -> Callable[[Data], Tensor]:
    """Losses of a batch at the center, without gradient."""

    def evaluate(batch: Data) -> Tensor:
        with torch.no_grad():
            return loss(model, batch)

    return evaluate


@torch.enable_grad()
def traced(
    view: View, batch: Data, weights: Tensor, gradient: Tensor
) -> tuple[Tensor, Sequence[Tensor]]:
    """Losses whose backward pass adds to a gradient, and the leaves where it ends.

    Where the whole model runs, each tensor is a leaf: its gradient is added to its entries and
    freed before the next one is made.

    Args:
        view: Losses of a batch at moved weights.
        batch: The batch.
        weights: Where (d,).
        gradient: What is added to (d,).
    """
    if not isinstance(view, WholeView):
        leaf = _leaf(weights, gradient)
        return per_example(view(batch, leaf)), [leaf]
    leaves = list(map(_leaf, view.patch.cut(weights), view.patch.cut(gradient)))
    return per_example(view(batch, leaves)), leaves


def _leaf(weights: Tensor, gradient: Tensor) -> Tensor:
    leaf = weights.detach().requires_grad_()
    leaf.grad = gradient
    return leaf


def loss_and_gradient(
    view: View,
    weights: Tensor,
    examples: Data,
    chunk: int | None = None,
    onto: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Losses of all examples, and the gradient of their mean.

    Args:
        view: Losses of a batch at moved weights.
        weights: Where (d,).
        examples: A batch.
        chunk: Examples per pass, to save memory; None for all.
        onto: What the gradient is added to, in place (d,); None for zero.

    Returns:
        (example,) and (d,).
    """
    n = n_examples(examples)
    losses, gradient = [], torch.zeros_like(weights) if onto is None else onto
    for start in range(0, n, chunk or n):
        part = rows(examples, slice(start, start + (chunk or n)))
        found, leaves = traced(view, part, weights, gradient)
        torch.autograd.backward(found.sum() / n, inputs=leaves)
        losses.append(found.detach())
    return torch.cat(losses), gradient
