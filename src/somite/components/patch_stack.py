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
        cuts = {piece.tensor: piece.cut for piece in patches[0].pieces}
        self._in_order = {name for name, cut in cuts.items() if cut is None or cut.in_order}
        self.places = torch.stack([self._places(patch) for patch in patches])
        """Number of each moved entry within its tensor (component, entry), for tensors of which
        only a part is moved, or whose units are not in the order of their entries."""

    def weights(self, places: Tensor, flat: Tensor) -> dict[str, Tensor]:
        """Whole weights of one component by name, as `Patch.weights` gives them.

        Args:
            places: Its row of `places` (entry,).
            flat: Its moved entries (d,).
        """
        found, first = {}, 0
        parts = flat.split([count for _, count in self.form])
        for (name, count), part in zip(self.form, parts, strict=True):
            origin = self._origin[name]
            if self._whole(name, count):
                found[name] = part.to(origin.dtype).view(origin.shape)
                continue
            place = places[first : first + count]
            put = origin.flatten().scatter(0, place, part.to(origin.dtype))
            found[name], first = put.view(origin.shape), first + count
        return found

    def flatten(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Moved entries of any tensors of the weights' names and shapes (component, d)."""
        flat, first = [], 0
        for name, count in self.form:
            entries = tensors[name].flatten()
            if self._whole(name, count):
                flat.append(entries.expand(len(self.places), -1))
                continue
            flat.append(entries[self.places[:, first : first + count]])
            first += count
        return at_least_single(torch.cat(flat, 1))

    def _places(self, patch: Patch) -> Tensor:
        numbers = {
            name: torch.arange(origin.numel(), device=origin.device).view(origin.shape)
            for name, origin in self._origin.items()
        }
        parts = patch.flatten(numbers).split([count for _, count in self.form])
        partly = [
            part
            for (name, count), part in zip(self.form, parts, strict=True)
            if not self._whole(name, count)
        ]
        return torch.cat(partly) if partly else parts[0][:0]

    def _whole(self, name: str, count: int) -> bool:
        return count == self._origin[name].numel() and name in self._in_order
