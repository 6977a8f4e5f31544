"""A block's part in the pull of the loss at a draw: ½ Σ Δw·∂L over the block's entries."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from somite.components.mask import Mask
from somite.components.patch import Patch


def block_places(patch: Patch, blocks: Mapping[str, Mask]) -> dict[str, Tensor]:
    """Where the entries of each block are in a component's flat vector.

    Args:
        patch: The component's moved weights.
        blocks: Masks by name.

    Returns:
        For every block, which entries of the flat vector are its own (d,); all false where the
        component does not move the whole block.
    """
    return {name: _places(patch, mask) for name, mask in blocks.items()}


def _places(patch: Patch, mask: Mask) -> Tensor:
    like = patch.tensor_shapes
    if not set(mask.entries) <= set(like):
        return torch.zeros(patch.size, dtype=torch.bool, device=patch.center.device)
    full = {name: torch.zeros(shape) for name, shape in like.items()}
    for name, entries in mask.entries.items():
        full[name] = entries.to("cpu", torch.float32)
    chosen = patch.flatten(full) > 0
    if int(chosen.sum()) != mask.size:
        chosen = torch.zeros_like(chosen)
    return chosen.to(patch.center.device)


def block_shares(away: Tensor, gradient: Tensor, blocks: Mapping[str, Tensor]) -> np.ndarray:
    """½ Σ Δw·∂L over each block (block,); NaN for a block that the component does not move."""
    pull = away * gradient / 2
    sums = [pull[chosen].sum() if bool(chosen.any()) else pull.new_tensor(float("nan"))
            for chosen in blocks.values()]  # fmt: skip
    return torch.stack(sums).cpu().numpy()


def stacked_places(places: Sequence[Mapping[str, Tensor]]) -> Tensor:
    """`block_places` of components of equal size (component, block, d)."""
    return torch.stack([torch.stack(list(blocks.values())) for blocks in places])


def stacked_block_shares(away: Tensor, gradient: Tensor, places: Tensor) -> Tensor:
    """`block_shares` of many components and chains (component, chain, block), on their device.

    Args:
        away: w − w* (component, chain, d).
        gradient: ∂L at w, of the same shape.
        places: From `stacked_places`.
    """
    pull = away * gradient / 2
    sums = [torch.where(chosen[:, None], pull, 0).sum(-1) for chosen in places.unbind(1)]
    return torch.where(places.any(-1)[:, None], torch.stack(sums, -1), torch.nan)
