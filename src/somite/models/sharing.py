"""Running a transformer again with a few heads moved, without redoing what did not change.

With the other weights at the center, everything below the heads' layer and the outputs of all other
heads of that layer stay as they were: they come from one trace per minibatch, common to all
components. Only the heads' own queries, keys, values and outputs, and the layers above, run again;
the backward pass ends at the heads.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from somite.components.patch import Patch
from somite.models.readout import token_losses
from somite.models.rerun import close, mixed, run_block, times
from somite.models.transformer import Transformer


@dataclass
class SharedPass:
    """What one pass at the center leaves for every component.

    Args:
        read: For each layer, what its heads read, without positions (batch, position, d_model).
        mixed: For each layer, the values that its heads gathered (batch, position, head * d_head).
        below: For each layer, its residual with the outputs of all heads added.
    """

    read: list[Tensor] = field(default_factory=list)
    mixed: list[Tensor] = field(default_factory=list)
    below: list[Tensor] = field(default_factory=list)


@torch.no_grad()
def shared_pass(model: Transformer, tokens: Tensor, layers: int | None = None) -> SharedPass:
    """Run the model at its center once and keep what moved heads can reuse.

    Args:
        model: Holds the center.
        tokens: (batch, position).
        layers: How many layers to run; None for all.

    Returns:
        The kept tensors of every layer that was run.
    """
    kept, residual = SharedPass(), model.start(tokens)
    layers = model.config.n_layers if layers is None else layers
    for layer in range(layers):
        block = model.block(layer)
        kept.read.append(block.norm_attn(residual))
        kept.mixed.append(mixed(model, layer, kept.read[-1], block.attn.weights()))
        write = block.attn.weights()["W_O"].flatten(0, 1)
        kept.below.append(residual + times(kept.mixed[-1], write))
        if layer < layers - 1:
            residual = close(model, layer, kept.below[-1])
    return kept


@dataclass(frozen=True)
class MovedHeads:
    """The model with some heads of one layer moved and all else at the center.

    Args:
        model: Holds the center.
        patch: The moved weights: whole heads of one layer.
        layer: That layer.
        heads: Those heads.
    """

    model: Transformer
    patch: Patch
    layer: int
    heads: tuple[int, ...]

    def logits(self, shared: SharedPass, flat: Tensor) -> Tensor:
        """Logits (batch, position, vocab) with the heads' weights taken from `flat`.

        Args:
            shared: The pass at the center over the same tokens.
            flat: The moved weights (d,).

        Returns:
            Differentiable in `flat`.
        """
        return self.model.finish(self._top(shared, flat))

    def next_token_losses(self, shared: SharedPass, flat: Tensor, tokens: Tensor) -> Tensor:
        """Cross-entropy of each next token, as `logits` would give it.

        Args:
            shared: The pass at the center over the same tokens.
            flat: The moved weights (d,).
            tokens: (batch, position).

        Returns:
            (batch, position − 1), once differentiable in `flat`.
        """
        top, targets = self._top(shared, flat)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()
        bias = self.model.b_U if self.model.config.bias else None
        losses = token_losses(self.model.norm(top), self.model.unembed, bias, targets)
        return losses.view(len(tokens), -1)

    def _top(self, shared: SharedPass, flat: Tensor) -> Tensor:
        """Residual above the last block."""
        moved, weights = self._moved(flat), self.model.block(self.layer).attn.weights()
        gathered = mixed(self.model, self.layer, shared.read[self.layer], moved)
        center = shared.mixed[self.layer].unflatten(-1, (self.model.config.n_heads, -1))
        both = torch.cat([gathered, *(center[:, :, head] for head in self.heads)], -1)
        write = torch.cat([*moved["W_O"], *(-weights["W_O"][head] for head in self.heads)])
        added = times(both, write)
        residual = close(self.model, self.layer, shared.below[self.layer] + added)
        for layer in range(self.layer + 1, self.model.config.n_layers):
            residual = run_block(self.model, layer, residual)
        return residual

    def _moved(self, flat: Tensor) -> dict[str, Tensor]:
        """The heads' weights by short name (head, …)."""
        weights: dict[str, list[Tensor]] = {}
        for piece, unit in zip(self.patch.pieces, self.patch.split(flat), strict=True):
            weights.setdefault(piece.tensor.rpartition(".")[2], []).append(unit)
        return {name: torch.stack(units) for name, units in weights.items()}


def moved_heads(model: Transformer, patch: Patch) -> MovedHeads | None:
    """The shared way for a patch, if it consists of whole heads of one layer.

    Args:
        model: Holds the center.
        patch: The moved weights.

    Returns:
        None if the patch holds anything else; it then runs the whole model.
    """
    places = {(piece.tensor.rpartition(".")[0], piece.index) for piece in patch.pieces}
    tensors = {piece.tensor for piece in patch.pieces}
    layers = [i for i in range(model.config.n_layers) if {p for p, _ in places} == {_attn(i)}]
    if not layers or any(p.chosen is not None or p.index is None for p in patch.pieces):
        return None
    names = {f"{_attn(layers[0])}.{name}" for name in model.block(layers[0]).attn.weights()}
    heads = tuple(sorted(index for _, index in places if index is not None))
    if tensors != names or len(patch.pieces) != len(names) * len(heads):
        return None
    return MovedHeads(model, patch, layers[0], heads)


def _attn(layer: int) -> str:
    return f"blocks.{layer}.attn"
