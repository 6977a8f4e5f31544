"""The weights that a chain moves, as one flat vector, and their way back into the model.

Only the entries of the component exist here: state, gradient and noise have its size. Noise belongs
to the weights, not to the component (DESIGN §6.4): each unit (a head's slice, else the tensor) has
a stream of its own, so that two components that share a unit share its noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.components.cuts import Cut, Units, cut_of
from somite.components.mask import Mask
from somite.core.random import stream


@dataclass(frozen=True, eq=False)
class Piece:
    """What of one unit a component moves.

    Args:
        tensor: Name of the weight in the model.
        index: Number of the unit; None if it is the whole tensor.
        shape: Shape of the unit.
        chosen: Which entries of the unit are moved; None for all.
        cut: How the weight falls into units; None if it is one.
    """

    tensor: str
    index: int | None
    shape: torch.Size
    chosen: Tensor | None
    cut: Cut | None = None

    @property
    def size(self) -> int:
        """Number of moved entries."""
        return self.shape.numel() if self.chosen is None else int(self.chosen.sum())

    def unit(self, tensor: Tensor) -> Tensor:
        """The unit's slice of its weight."""
        if self.cut is None or self.index is None:
            return tensor
        return self.cut.take(tensor, self.index)


class Patch:
    """The moved entries of a component as one flat vector.

    Args:
        mask: The component.
        center: Weights w* of the model by name.
        units: How tensors fall into units.

    Example:
        >>> weights = {"w": torch.arange(4.0)}
        >>> patch = Patch(Mask({"w": torch.tensor([True, False, False, True])}), weights)
        >>> patch.center
        tensor([0., 3.])
        >>> patch.weights(torch.tensor([7.0, 8.0]))["w"]
        tensor([7., 1., 2., 8.])
    """

    def __init__(
        self, mask: Mask, center: Mapping[str, Tensor], units: Units = frozenset()
    ) -> None:
        """Cut the mask into pieces."""
        self._origin = {name: center[name].detach() for name in mask.entries}
        self.pieces = [p for n, c in mask.entries.items() for p in _pieces(n, c, cut_of(units, n))]
        self._sizes = [piece.size for piece in self.pieces]
        self.center = self.flatten(self._origin)

    @property
    def size(self) -> int:
        """Number of moved entries d."""
        return self.center.numel()

    @property
    def rounding(self) -> float:
        """Relative rounding of the coarsest weight it touches."""
        return max(torch.finfo(origin.dtype).eps for origin in self._origin.values())

    @property
    def tensor_shapes(self) -> dict[str, torch.Size]:
        """Shapes of the weights it touches, by name."""
        return {name: origin.shape for name, origin in self._origin.items()}

    def flatten(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """The moved entries of any tensors of the weights' names and shapes (d,).

        Half precision becomes single: a step is far smaller than what half precision resolves.
        """
        flat = torch.cat([_read(piece, tensors[piece.tensor]) for piece in self.pieces])
        return at_least_single(flat)

    def split(self, flat: Tensor) -> list[Tensor]:
        """Units with the moved entries taken from `flat`, in the order of `pieces`.

        They have the precision of the model's weights.
        """
        parts = flat.split(self._sizes)
        return [
            _fill(piece, part, self._origin[piece.tensor])
            for piece, part in zip(self.pieces, parts, strict=True)
        ]

    def weights(self, flat: Tensor) -> dict[str, Tensor]:
        """Whole weights, by name, with the moved entries taken from `flat` (differentiable)."""
        whole: dict[str, Tensor] = {}
        parts: dict[str, dict[int, Tensor]] = {}
        cuts: dict[str, Cut] = {}
        for piece, unit in zip(self.pieces, self.split(flat), strict=True):
            if piece.cut is None or piece.index is None:
                whole[piece.tensor] = unit
            else:
                parts.setdefault(piece.tensor, {})[piece.index] = unit
                cuts[piece.tensor] = piece.cut
        put = {name: cuts[name].put(self._origin[name], units) for name, units in parts.items()}
        return {name: whole[name] if name in whole else put[name] for name in self._origin}


class Noise:
    """Standard normal noise for the entries of a patch, one stream for each unit.

    Args:
        patch: The moved entries.
        names: Names of the stream before tensor and unit: (seed, checkpoint, chain).
    """

    def __init__(self, patch: Patch, names: Sequence[object]) -> None:
        """Open the streams."""
        self._patch = patch
        self._streams = [stream(*names, "noise", p.tensor, p.index) for p in patch.pieces]

    def draw(self) -> Tensor:
        """Noise of the next step: (d,), on the patch's device, in its precision."""
        center = self._patch.center
        noise = torch.empty(center.shape, dtype=center.dtype)
        self.fill(noise)
        return noise.to(center.device)

    def fill(self, noise: Tensor) -> None:
        """Noise of the next step into a tensor (d,) in the memory of the CPU."""
        parts = noise.split([piece.size for piece in self._patch.pieces])
        for piece, generator, part in zip(self._patch.pieces, self._streams, parts, strict=True):
            if piece.chosen is None:
                torch.randn(piece.shape, generator=generator, out=part.view(piece.shape))
            else:
                drawn = torch.randn(piece.shape, generator=generator, dtype=noise.dtype)
                part.copy_(drawn[piece.chosen.cpu()])


def at_least_single(tensor: Tensor) -> Tensor:
    """The tensor in single precision if it was in half precision, else as it is."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


def _pieces(name: str, chosen: Tensor, cut: Cut | None) -> list[Piece]:
    def piece(index: int | None, part: Tensor) -> Piece:
        return Piece(name, index, part.shape, None if bool(part.all()) else part, cut)

    if cut is None:
        return [piece(None, chosen)]
    parts = ((unit, cut.take(chosen, unit)) for unit in cut.units(chosen.shape))
    return [piece(unit, part) for unit, part in parts if bool(part.any())]


def _read(piece: Piece, tensor: Tensor) -> Tensor:
    unit = piece.unit(tensor)
    return unit.flatten() if piece.chosen is None else unit[piece.chosen.to(unit.device)]


def _fill(piece: Piece, part: Tensor, origin: Tensor) -> Tensor:
    part = part.to(origin.dtype)
    if piece.chosen is None:
        return part.view(piece.shape)
    unit = piece.unit(origin)
    return unit.masked_scatter(piece.chosen.to(unit.device), part)
