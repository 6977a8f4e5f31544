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
from somite.models.readout import Readout, inverse_norm, low_rank_losses, token_losses
from somite.models.transformer import Transformer

LOW = 0.5
"""Share of the width up to which a rank is low."""


@dataclass
class SharedPass:
    """What one pass at the center leaves for every component.

    Args:
        read: For each layer, what its heads read: for values, and for queries and keys.
        mixed: For each layer, the values that its heads gathered (batch, position, head * d_head).
        below: For each layer, its residual with the outputs of all heads added.
        readout: What moved heads of the last layer add their share to; made when it is needed.
    """

    read: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    mixed: list[Tensor] = field(default_factory=list)
    below: list[Tensor] = field(default_factory=list)
    readout: Readout | None = None


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
        attn, read = model.block(layer).attn, model.read(layer, residual)
        weights = attn.weights()
        kept.read.append(read)
        kept.mixed.append(attn.mixed(*read, weights))
        kept.below.append(residual + kept.mixed[-1] @ weights["W_O"].flatten(0, 1))
        if layer < layers - 1:
            residual = model.block(layer).close(kept.below[-1])
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
        return self.model.finish(self._top(shared, *self._moved(shared, flat)))

    def next_token_losses(self, shared: SharedPass, flat: Tensor, tokens: Tensor) -> Tensor:
        """Cross-entropy of each next token, as `logits` would give it.

        Args:
            shared: The pass at the center over the same tokens.
            flat: The moved weights (d,).
            tokens: (batch, position).

        Returns:
            (batch, position − 1), once differentiable in `flat`.
        """
        mixed, write = self._moved(shared, flat)
        top, targets = _but_last(self._top(shared, mixed, write)), tokens[:, 1:].flatten()
        if not self._low_rank:
            bias = self.model.b_U if self.model.config.bias else None
            losses = token_losses(self.model.norm(top), self.model.unembed, bias, targets)
            return losses.view(len(tokens), -1)
        if shared.readout is None:
            base = self.model.block(self.layer).close(shared.below[self.layer])
            shared.readout = Readout.at(self.model, _but_last(base))
        end, old = shared.readout, (_but_last(self._own(shared)), self._own_write)
        fixed = end.base, old[0], old[1] @ end.unembed, end.bias
        scale = inverse_norm(self.model.norm, top)
        losses = low_rank_losses(_but_last(mixed), write @ end.unembed, scale, fixed, targets)
        return losses.view(len(tokens), -1)

    @property
    def _low_rank(self) -> bool:
        """Whether the logits are linear in what the heads write, and these are few."""
        config = self.model.config
        rank = 2 * len(self.heads) * config.d_head
        last = self.layer == config.n_layers - 1 and not config.d_mlp
        return last and rank <= LOW * config.d_model

    def _moved(self, shared: SharedPass, flat: Tensor) -> tuple[Tensor, Tensor]:
        """What the moved heads gather (batch, position, r), and how they write it (r, d_model)."""
        weights: dict[str, list[Tensor]] = {}
        for piece, unit in zip(self.patch.pieces, self.patch.split(flat), strict=True):
            weights.setdefault(piece.tensor.rpartition(".")[2], []).append(unit)
        stacked = {name: torch.stack(units) for name, units in weights.items()}
        attn = self.model.block(self.layer).attn
        return attn.mixed(*shared.read[self.layer], stacked), stacked["W_O"].flatten(0, 1)

    def _top(self, shared: SharedPass, mixed: Tensor, write: Tensor) -> Tensor:
        """Residual above the last block."""
        others = shared.below[self.layer] - self._own(shared) @ self._own_write
        residual = self.model.block(self.layer).close(others + mixed @ write)
        for layer in range(self.layer + 1, self.model.config.n_layers):
            residual = self.model.run_block(layer, residual)
        return residual

    def _own(self, shared: SharedPass) -> Tensor:
        """What the heads gather at the center (batch, position, r)."""
        gathered = shared.mixed[self.layer].unflatten(-1, (self.model.config.n_heads, -1))
        own: Tensor = gathered[..., self.heads, :].flatten(-2)
        return own

    @property
    def _own_write(self) -> Tensor:
        """How the heads write at the center (r, d_model)."""
        return self.model.block(self.layer).attn.weights()["W_O"][list(self.heads)].flatten(0, 1)


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


def _but_last(x: Tensor) -> Tensor:
    """Every position that has a next token (token, …)."""
    return x[:, :-1].flatten(0, 1)
