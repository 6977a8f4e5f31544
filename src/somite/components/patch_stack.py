"""Patches of equal form, so that the weights of many components are rows of one tensor."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from somite.components.patch import Patch, at_least_single

Form = tuple[tuple[str, int], ...]
"""The tensors that a patch touches, in its order, and how many entries of each it moves."""


def form(patch: Patch) -> Form:
    """Form of a patch: those of equal form can be stacked.

    Example:
        >>> from somite.components.mask import Mask
        >>> form(Patch(Mask({"w": torch.tensor([True, False, True])}), {"w": torch.zeros(3)}))
        (('w', 2),)
    """
    counts: dict[str, int] = {}
    for piece in patch.pieces:
        counts[piece.tensor] = counts.get(piece.tensor, 0) + piece.size
    return tuple(counts.items())


class PatchStack:
    """Patches of equal form.

    Args:
        patches: One for each component.
        center: Weights w* of the model by name.
    """

    def __init__(self, patches: Sequence[Patch], center: Mapping[str, Tensor]) -> None:
        """Look up which entry of which tensor each moved entry is."""
        self.form = form(patches[0])
        self.center = torch.stack([patch.center for patch in patches])
        self.rounding = patches[0].rounding
        self._origin = {name: center[name].detach() for name, _ in self.form}
        numbers = {
            name: torch.arange(origin.numel(), device=origin.device).view(origin.shape)
            for name, origin in self._origin.items()
        }
        self.places = torch.stack([patch.flatten(numbers) for patch in patches])
        """Number of each moved entry within its tensor (component, d)."""

    def weights(self, places: Tensor, flat: Tensor) -> dict[str, Tensor]:
        """Whole weights of one component by name, as `Patch.weights` gives them.

        Args:
            places: Its row of `places` (d,).
            flat: Its moved entries (d,).
        """
        counts = [count for _, count in self.form]
        parts = zip(self.form, places.split(counts), flat.split(counts), strict=True)
        return {name: self._put(name, place, part) for (name, _), place, part in parts}

    def flatten(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Moved entries of any tensors of the weights' names and shapes (component, d)."""
        parts = zip(self.form, self.places.split([count for _, count in self.form], 1), strict=True)
        flat = [tensors[name].flatten()[place] for (name, _), place in parts]
        return at_least_single(torch.cat(flat, 1))

    def _put(self, name: str, place: Tensor, part: Tensor) -> Tensor:
        origin = self._origin[name]
        part = part.to(origin.dtype)
        if part.numel() == origin.numel():
            return part.view(origin.shape)
        return origin.flatten().scatter(0, place, part).view(origin.shape)
