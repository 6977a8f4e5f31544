"""Losses of many components of equal form over the minibatches of many chains, in one evaluation.

Heads of our transformer are folded into the batch (`somite.models.stacked_heads`). Anything else
runs under two `torch.vmap`s, over chains and over components: what depends on no moved weight is
computed once for all components. Attention inside is explicit, since not every fused kernel has a
batching rule. Rows do not see each other, so that the gradient of the sum of
all losses holds the gradient of each row.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.overrides import TorchFunctionMode

from somite.components.patch import Patch, at_least_single
from somite.components.patch_stack import PatchStack
from somite.core.errors import InputError
from somite.models.sharing import moved_heads
from somite.models.stacked_heads import StackedHeads, stacked_heads
from somite.models.transformer import Transformer
from somite.sampling.sharing import REACH, TOLERANCE
from somite.sampling.target import Data, Loss, per_example
from somite.sampling.views import LogitsModel, LossModule, View, loss_and_gradient

StackView = Callable[[Tensor, Data, slice], Tensor]
"""Losses (component, chain, example) of weights (component, chain, d) and examples (chain, example,
…) for the components in a slice of the stack."""


def stack_view(
    center: nn.Module, loss: Loss, patches: Sequence[Patch], stack: PatchStack, sharing: bool
) -> StackView:
    """The view of components of equal form.

    Args:
        center: The model at w*.
        loss: Called as loss(model, batch).
        patches: One for each component.
        stack: The same, stacked.
        sharing: Whether heads may run alone.
    """
    if sharing and isinstance(center, Transformer):
        moved = [moved_heads(center, patch) for patch in patches]
        whole = [heads for heads in moved if heads is not None]
        if len(whole) == len(patches):
            return heads_view(stacked_heads(whole), loss)
    return mapped_view(center, loss, stack)


def heads_view(heads: StackedHeads, loss: Loss) -> StackView:
    """Heads of one layer of our transformer, every component more rows of the batch."""

    def view(weights: Tensor, examples: Data, components: slice) -> Tensor:
        some, (k, c) = heads.of(components), weights.shape[:2]
        model = LogitsModel(
            lambda tokens: some.logits(tokens, weights),
            lambda tokens: some.next_token_losses(tokens, weights),
        )
        batch = each(lambda x: x.flatten(0, 1).repeat(k, *[1] * (x.ndim - 2)), examples)
        return per_example(loss(model, batch)).view(k, c, -1)

    return view


class ExplicitAttention(TorchFunctionMode):
    """Attention by plain matrix products while this is entered, in this thread alone."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Any function but one is left as it is."""
        if func is F.scaled_dot_product_attention:
            return torch.ops.aten._scaled_dot_product_attention_math(*args, **kwargs or {})[0]
        return func(*args, **kwargs or {})


def mapped_view(center: nn.Module, loss: Loss, stack: PatchStack) -> StackView:
    """Any components of any model that `torch.vmap` can handle."""
    module = LossModule(center, loss)

    def one(places: Tensor, flat: Tensor, batch: Data) -> Tensor:
        weights = stack.weights(places, flat)
        moved = {f"model.{name}": weight for name, weight in weights.items()}
        return per_example(functional_call(module, moved, (batch,)))

    of_components = vmap(one, in_dims=(0, 0, None))
    of_chains = vmap(of_components, in_dims=(None, 1, 0), out_dims=1)

    def view(weights: Tensor, examples: Data, components: slice) -> Tensor:
        with ExplicitAttention():
            losses: Tensor = of_chains(stack.places[components], weights, examples)
        return losses

    return view


def why_not(view: StackView, views: Sequence[View], stack: PatchStack, few: Data) -> str:
    """Why a stacked view cannot be used; nothing if it gives what the components' own views give.

    Both are tried a little away from the center, on a few examples and on the same ones reversed.

    Args:
        view: Of the stack.
        views: Of its components one by one.
        stack: Their patches.
        few: A few examples.
    """
    center = stack.center
    away = center * (1 + REACH) + REACH * center.std(1, keepdim=True, correction=0)
    batches = [few, each(lambda x: x.flip(0), few)]
    expected = [
        [loss_and_gradient(one, row, batch) for batch in batches]
        for one, row in zip(views, away, strict=True)
    ]
    leaf = away[:, None].repeat(1, 2, 1).requires_grad_()
    both = each(lambda x: torch.stack([x, x.flip(0)]), few)
    try:
        losses = view(leaf, both, slice(None))
        (gradient,) = torch.autograd.grad(losses.mean(-1).sum(), leaf)
    except (RuntimeError, InputError) as error:
        return str(error).partition("\n")[0] or type(error).__name__
    allowed = max(TOLERANCE, 8 * stack.rounding)
    for found, i in ((losses.detach(), 0), (gradient, 1)):
        wanted = torch.stack([torch.stack([pair[i] for pair in row]) for row in expected])
        size = wanted.abs().amax(-1, keepdim=True)
        if not bool(((found - wanted).abs() <= allowed * size).all()):
            return "its losses in a stack differ from those one by one"
    return ""


def each(change: Callable[[Tensor], Tensor], data: Data) -> Data:
    """A data set with every tensor changed, in its own form."""
    if isinstance(data, Tensor):
        return change(data)
    if isinstance(data, Mapping):
        return {name: change(tensor) for name, tensor in data.items()}
    return tuple(change(tensor) for tensor in data)


def in_half(run: Callable[..., Tensor], device: torch.device) -> Callable[..., Tensor]:
    """A function run in bfloat16 where autocast allows it; it gives single precision."""

    def half(*args: Any) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return at_least_single(run(*args))

    return half
