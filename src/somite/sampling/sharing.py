"""What the components around one center share: passes at the center, made once per batch.

Whole heads of one layer of our transformer run again on their own; anything else runs from the
block of its first moved weight on.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from somite.components.patch import Patch
from somite.models.sharing import SharedPass, moved_heads, shared_pass
from somite.models.transformer import Transformer
from somite.sampling.blocks import find_blocks
from somite.sampling.target import Data, Loss, per_example, tensors
from somite.sampling.views import LogitsModel, View, whole_view

Pass = TypeVar("Pass")
TOLERANCE = 1e-3
"""Gap of the losses with and without sharing, over their size, that single precision explains."""
REACH = 0.1
"""Size of a displacement over that of the weights where the two are compared."""


@dataclass
class Passes(Generic[Pass]):
    """The passes at the center over the latest few batches.

    A batch is known by its numbers, not by its place in memory: a loss may hand over a copy that is
    freed, and its place taken by another, while the pass is still kept.
    """

    make: Callable[[Any], Pass]
    kept: list[tuple[tuple[Tensor, ...], Pass]] = field(default_factory=list)

    def get(self, batch: Data) -> Pass:
        """The pass over this batch, made if it is not there."""
        asked = tensors(batch)
        for known, found in self.kept:
            if all(map(torch.equal, known, asked)):
                return found
        made = self.make(batch)
        self.kept.append((tuple(tensor.clone() for tensor in asked), made))
        return made


class Sharing:
    """Views of components that share what they can.

    Args:
        center: The model at w*, a copy of our own, in evaluation mode, without gradients.
        loss: Called as loss(model, batch).
        few: A few examples, on which blocks are looked for and views are tried.
    """

    def __init__(self, center: nn.Module, loss: Loss, few: Data) -> None:
        """Look for blocks."""
        self._center, self._loss, self._few = center, loss, few
        self._of_heads: Passes[SharedPass] | None = None
        if isinstance(center, Transformer):
            self._of_heads = Passes(lambda tokens: shared_pass(center, tokens))
        self._blocks = find_blocks(center, loss, few)
        self._of_blocks: Passes[list[Any]] | None = None
        if self._blocks is not None:
            self._of_blocks = Passes(self._blocks.outputs)

    def view(self, patch: Patch) -> View:
        """Losses of a batch at moved weights, as `whole_view` would give them.

        A model whose blocks do not give the same for the same batch is run whole, with a warning.
        """
        if (view := self._heads_view(patch)) is not None:
            return view
        whole = whole_view(self._center, self._loss, patch)
        count = self._blocks.below(patch) if self._blocks else 0
        if not count or self._blocks is None or self._of_blocks is None:
            return whole
        blocks, passes = self._blocks, self._of_blocks
        view = replace(whole, around=lambda batch: blocks.skipping(passes.get(batch)[:count]))
        if self._agree(view, whole, patch):
            return view
        warnings.warn(
            f"The blocks of {type(self._center).__name__} do not give the same for the same batch. "
            "It is run whole for every component, which is slower.",
            stacklevel=2,
        )
        self._blocks = None
        return whole

    def clear(self) -> None:
        """Forget all passes."""
        for passes in (self._of_heads, self._of_blocks):
            if passes is not None:
                passes.kept.clear()

    def _heads_view(self, patch: Patch) -> View | None:
        """Only the moved heads and the layers above run again; None for other components."""
        passes, loss = self._of_heads, self._loss
        moved = moved_heads(self._center, patch) if isinstance(self._center, Transformer) else None
        if passes is None or moved is None:
            return None

        def view(batch: Data, flat: Tensor) -> Tensor:
            return loss(
                LogitsModel(
                    lambda tokens: moved.logits(passes.get(tokens), flat),
                    lambda tokens: moved.next_token_losses(passes.get(tokens), flat, tokens),
                ),
                batch,
            )

        return view

    @torch.no_grad()
    def _agree(self, view: View, whole: View, patch: Patch) -> bool:
        """Whether both ways give the same losses a little away from the center, twice."""
        center = patch.center
        away = (center * (1 + REACH)).add_(REACH * center.std(correction=0))
        expected = per_example(whole(self._few, away))
        found = torch.stack([per_example(view(self._few, away)) for _ in range(2)])
        allowed = max(TOLERANCE, patch.rounding) * (1 + expected.abs())
        return bool(((found - expected).abs() <= allowed).all())
