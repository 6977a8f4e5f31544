"""A model with a component moved: its losses as a function of the moved weights."""

from collections.abc import Callable
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


def whole_view(model: nn.Module, loss: Loss, patch: Patch) -> View:
    """Losses of a batch with the whole model run again on replaced weights.

    Args:
        model: Holds the center.
        loss: Called as loss(model, batch).
        patch: The moved weights.

    Returns:
        A function of (batch, flat weights) that gives losses, differentiable in the weights.
    """
    module = LossModule(model, loss)

    def view(batch: Data, flat: Tensor) -> Tensor:
        moved = {f"model.{name}": weight for name, weight in patch.weights(flat).items()}
        losses: Tensor = functional_call(module, moved, (batch,))
        return losses

    return view


def center_losses(model: nn.Module, loss: Loss) -> Callable[[Data], Tensor]:
    """Losses of a batch at the center, without gradient."""

    def evaluate(batch: Data) -> Tensor:
        with torch.no_grad():
            return loss(model, batch)

    return evaluate


@torch.enable_grad()
def loss_and_gradient(
    view: View, weights: Tensor, examples: Data, chunk: int | None = None
) -> tuple[Tensor, Tensor]:
    """Losses of all examples, and the gradient of their mean.

    Args:
        view: Losses of a batch at moved weights.
        weights: Where (d,).
        examples: A batch.
        chunk: Examples per pass, to save memory; None for all.

    Returns:
        (example,) and (d,).
    """
    n = n_examples(examples)
    losses, gradient = [], None
    for start in range(0, n, chunk or n):
        leaf = weights.detach().requires_grad_()
        found = per_example(view(rows(examples, slice(start, start + (chunk or n))), leaf))
        (slope,) = torch.autograd.grad(found.sum() / n, leaf)
        losses.append(found.detach())
        gradient = slope if gradient is None else gradient.add_(slope)
    assert gradient is not None
    return torch.cat(losses), gradient
