"""Two ways to run a model with a component moved: the whole model again, or only what changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from somite.components.patch import Patch
from somite.core.errors import InputError
from somite.models.sharing import MovedHeads, SharedPass, moved_heads, shared_pass
from somite.models.transformer import Transformer
from somite.sampling.target import Data, Loss, per_example

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


@dataclass
class SharedCache:
    """The pass at the center over the latest few batches of tokens.

    A batch is known by its tokens, not by its place in memory: a loss may hand over a copy that is
    freed, and its place taken by another, while the pass is still kept.
    """

    model: Transformer
    passes: list[tuple[Tensor, SharedPass]] = field(default_factory=list)

    def get(self, tokens: Tensor) -> SharedPass:
        """The pass over these tokens, made if it is not there."""
        for known, kept in self.passes:
            if torch.equal(known, tokens):
                return kept
        made = shared_pass(self.model, tokens)
        self.passes.append((tokens.clone(), made))
        return made

    def clear(self) -> None:
        """Forget all passes."""
        self.passes.clear()


@dataclass(frozen=True)
class _MovedModel:
    """What the loss calls instead of the model when only a few heads have moved."""

    moved: MovedHeads
    cache: SharedCache
    flat: Tensor

    def __call__(self, tokens: Tensor) -> Tensor:
        return self.moved.logits(self.cache.get(tokens), self.flat)

    def __getattr__(self, name: str) -> Any:
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


def shared_view(cache: SharedCache, loss: Loss, patch: Patch) -> View | None:
    """Losses of a batch with only the moved heads, and the layers above them, run again.

    Args:
        cache: Passes at the center, common to all components.
        loss: Called with a stand-in for the model that can only be called.
        patch: The moved weights.

    Returns:
        As `whole_view`; None if the patch is more than whole heads of one layer.
    """
    moved = moved_heads(cache.model, patch)
    if moved is None:
        return None

    def view(batch: Data, flat: Tensor) -> Tensor:
        return loss(_MovedModel(moved, cache, flat), batch)

    return view


def center_losses(model: nn.Module, loss: Loss) -> Callable[[Data], Tensor]:
    """Losses of a batch at the center, without gradient."""

    def evaluate(batch: Data) -> Tensor:
        with torch.no_grad():
            return loss(model, batch)

    return evaluate


@torch.enable_grad()
def loss_and_gradient(view: View, weights: Tensor, examples: Data) -> tuple[Tensor, Tensor]:
    """Loss of every example (example,), and the gradient of their mean in the weights (d,)."""
    leaf = weights.detach().requires_grad_()
    losses = per_example(view(examples, leaf))
    return losses.detach(), torch.autograd.grad(losses.mean(), leaf)[0]
