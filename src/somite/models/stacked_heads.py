"""Running a transformer again with heads of one layer moved in many ways at once.

The stack is folded into the batch by hand, not by `torch.vmap`: the components of a layer are heads
that read the same residual, and above their layer each component is more rows of the batch. So
attention takes the fast kernels that it takes for one component. What is computed for a component
is what `somite.models.sharing` computes, from one pass at the center per evaluation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from somite.models.readout import token_losses
from somite.models.rerun import close, mixed, run_block
from somite.models.sharing import MovedHeads, SharedPass, shared_pass
from somite.models.transformer import Transformer


@dataclass(frozen=True)
class StackedHeads:
    """The model with heads of one layer moved, for many components and chains.

    Args:
        model: Holds the center.
        layer: The layer of all heads.
        heads: Which of them each component moves (component, head).
        shapes: Shape of a component's part of each tensor (head, …), by short name, in the order of
            the moved weights.
    """

    model: Transformer
    layer: int
    heads: Tensor
    shapes: dict[str, torch.Size]

    def of(self, components: slice) -> "StackedHeads":
        """Some of the components."""
        return replace(self, heads=self.heads[components])

    def logits(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """Logits (component * chain * batch, position, vocab).

        Args:
            tokens: (component * chain * batch, position), the same for every component.
            weights: The moved weights (component, chain, d).

        Returns:
            Differentiable in `weights`.
        """
        return self.model.finish(self._top(tokens, weights))

    def next_token_losses(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """Cross-entropy of each next token, as `logits` would give it, without stored logits.

        Returns:
            (component * chain * batch, position − 1), once differentiable in `weights`.
        """
        top, targets = self._top(tokens, weights)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()
        bias = self.model.b_U if self.model.config.bias else None
        losses = token_losses(self.model.norm(top), self.model.unembed, bias, targets)
        return losses.view(len(tokens), -1)

    def _top(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """Residual above the last block (component * chain * batch, position, d_model)."""
        components, chains = weights.shape[:2]
        own = tokens[: len(tokens) // components]
        shared = shared_pass(self.model, own, self.layer + 1)
        parts = self._parts(weights)
        write = parts["W_O"].flatten(2, 3)  # (component, chain, rank, d_model)
        added = self._mixed(shared, parts) @ write - self._at_center(shared, chains)
        below = shared.below[self.layer].unflatten(0, (chains, -1)).flatten(1, 2)
        residual = (below + added).view(len(tokens), tokens.shape[1], -1)
        residual = close(self.model, self.layer, residual)
        for layer in range(self.layer + 1, self.model.config.n_layers):
            residual = run_block(self.model, layer, residual)
        return residual

    def _parts(self, weights: Tensor) -> dict[str, Tensor]:
        """Moved weights by short name (component, chain, head, …)."""
        sizes = [shape.numel() for shape in self.shapes.values()]
        split = weights.to(self.model.unembed.dtype).split(sizes, -1)
        named = zip(self.shapes.items(), split, strict=True)
        return {name: part.unflatten(-1, shape) for (name, shape), part in named}

    def _mixed(self, shared: SharedPass, parts: dict[str, Tensor]) -> Tensor:
        """What the moved heads gather (component, chain, batch * position, rank)."""
        components, chains = parts["W_O"].shape[:2]
        plain = shared.read[self.layer].chunk(chains)
        gathered = [
            mixed(
                self.model,
                self.layer,
                plain[i],
                {n: w[:, i].flatten(0, 1) for n, w in parts.items()},
            )
            for i in range(chains)
        ]
        side = torch.stack(gathered).flatten(1, 2)  # (chain, batch * position, component * rank)
        ranks: Tensor = side.unflatten(-1, (components, -1))
        return ranks.permute(2, 0, 1, 3)

    def _at_center(self, shared: SharedPass, chains: int) -> Tensor:
        """What these heads write at the center (component, chain, batch * position, d_model)."""
        center = shared.mixed[self.layer].unflatten(-1, (self.model.config.n_heads, -1))
        gathered = center.flatten(0, 1)[:, self.heads].transpose(0, 1).flatten(2)
        write = self.model.block(self.layer).attn.weights()["W_O"][self.heads].flatten(1, 2)
        written: Tensor = (gathered @ write).unflatten(1, (chains, -1))
        return written


def stacked_heads(moved: Sequence[MovedHeads]) -> StackedHeads:
    """Stack components of equal form that each move whole heads of one layer."""
    first = moved[0]
    shapes: dict[str, torch.Size] = {}
    for piece in first.patch.pieces:
        shapes[piece.tensor.rpartition(".")[2]] = torch.Size((len(first.heads), *piece.shape))
    heads = torch.tensor([one.heads for one in moved], device=first.model.unembed.device)
    return StackedHeads(first.model, first.layer, heads, shapes)
