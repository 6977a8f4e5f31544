"""Running a transformer again with a few heads moved, without redoing what did not change.

With the other weights at the center, everything below the heads' layer and the outputs of all other
heads of that layer stay as they were: they come from one trace per minibatch, common to all
components. Only the heads' own queries, keys, values and outputs, and the layers above, run again;
the backward pass ends at the heads.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from somite.components.patch import Patch
from somite.models.transformer import Transformer


@dataclass
class SharedPass:
    """What one pass at the center leaves for every component.

    Args:
        read: For each layer, what its heads read: for values, and for queries and keys.
        below: For each layer, its residual with the outputs of all heads added.
        head_output: For each layer, what each head adds (batch, head, position, d_model).
    """

    read: list[tuple[Tensor, Tensor]]
    below: list[Tensor]
    head_output: list[Tensor]


@torch.no_grad()
def shared_pass(model: Transformer, tokens: Tensor) -> SharedPass:
    """Run the model at its center once and keep what moved heads can reuse.

    Args:
        model: Holds the center.
        tokens: (batch, position).

    Returns:
        The kept tensors of every layer.
    """
    trace = model.trace(tokens)
    layers = range(model.config.n_layers)
    read = [model.read(i, trace.residual[i]) for i in layers]
    below = [trace.residual[i] + trace.head_output[i].sum(1) for i in layers]
    return SharedPass(read, below, trace.head_output)


@dataclass(frozen=True)
class MovedHeads:
    """Logits with some heads of one layer moved and all else at the center.

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
        plain, located = shared.read[self.layer]
        weights: dict[str, list[Tensor]] = {}
        for piece, unit in zip(self.patch.pieces, self.patch.split(flat), strict=True):
            weights.setdefault(piece.tensor.rpartition(".")[2], []).append(unit)
        stacked = {name: torch.stack(units) for name, units in weights.items()}
        attn = self.model.block(self.layer).attn
        others = shared.below[self.layer] - shared.head_output[self.layer][:, self.heads].sum(1)
        residual = others + attn.heads_sum(plain, located, stacked)
        residual = self.model.close_block(self.layer, residual)
        for layer in range(self.layer + 1, self.model.config.n_layers):
            residual = self.model.run_block(layer, residual)
        return self.model.finish(residual)


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
