"""The weights that a chain moves, as one flat vector, and their way back into the model.

Only the entries of the component exist here: state, gradient and noise have its size. Noise belongs
to the weights, not to the component (docs/design.md, The engine): each unit (a head's slice, else
the tensor) has a stream of its own, so that two components that share a unit share its noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.components.cuts import Cut, Units, cut_of
from somite.components.mask import Mask
from somite.components.spans import Span, spans
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
        sized = list(zip(self.pieces, self._sizes, strict=True))
        self._of_tensor = {n: [s for s in sized if s[0].tensor == n] for n in self._origin}
        self.size = sum(self._sizes)
        """Number of moved entries d."""
        self.like = at_least_single(torch.cat([o.flatten()[:0] for o in self._origin.values()]))
        """A flat vector without entries, of the precision and on the device of all others."""
        self.whole = Span(slice(0, self.size), [(i, slice(0, n)) for i, (_, n) in enumerate(sized)])
        """All entries."""
        self.spans = spans((size, piece.chosen is None) for piece, size in sized)
        """The entries, cut; one span unless they are many."""
        self._kept: Tensor | None = None
        if not self.long:
            self._kept = self.center

    @property
    def long(self) -> bool:
        """Whether it has more than one span: vectors of its length then cost memory that counts."""
        return len(self.spans) > 1

    @property
    def center(self) -> Tensor:
        """w* (d,); of a long patch a copy that is made anew each time, and kept by nobody."""
        return self.center_of(self.whole)

    def center_of(self, span: Span) -> Tensor:
        """Entries of w* in a span."""
        if self._kept is None:
            return self.flatten(self._origin, span).to(self.like.dtype)
        return self._kept[span.entries]

    @property
    def rounding(self) -> float:
        """Relative rounding of the coarsest weight it touches."""
        return max(torch.finfo(origin.dtype).eps for origin in self._origin.values())

    @property
    def tensor_shapes(self) -> dict[str, torch.Size]:
        """Shapes of the weights it touches, by name."""
        return {name: origin.shape for name, origin in self._origin.items()}

    def flatten(self, tensors: Mapping[str, Tensor], span: Span | None = None) -> Tensor:
        """The moved entries of any tensors of the weights' names and shapes (d,), or of a span.

        Half precision becomes single: a step is far smaller than what half precision resolves.
        """
        parts = [(self.pieces[i], part) for i, part in (span or self.whole).parts]
        return at_least_single(torch.cat([_read(p, tensors[p.tensor])[part] for p, part in parts]))

    def cut(self, flat: Tensor) -> list[Tensor]:
        """Entries of each tensor that it touches: views, of its shape where they are all of it."""
        parts = flat.split([sum(size for _, size in sized) for sized in self._of_tensor.values()])
        return [
            part.view(origin.shape) if self._is_whole(name) else part
            for part, (name, origin) in zip(parts, self._origin.items(), strict=True)
        ]

    def split(self, flat: Tensor) -> list[Tensor]:
        """Units with the moved entries taken from `flat`, in the order of `pieces`.

        They have the precision of the model's weights.
        """
        parts = flat.split(self._sizes)
        return [
            _fill(piece, part, self._origin[piece.tensor])
            for piece, part in zip(self.pieces, parts, strict=True)
        ]

    def weights(self, flat: Tensor | Sequence[Tensor]) -> dict[str, Tensor]:
        """Whole weights, by name, with the moved entries taken from `flat` (differentiable).

        Args:
            flat: (d,), or what `cut` gives of it. A weight of which all moves shares its memory.
        """
        parts = self.cut(flat) if isinstance(flat, Tensor) else flat
        return {n: self._put(n, part) for n, part in zip(self._origin, parts, strict=True)}

    def _put(self, name: str, part: Tensor) -> Tensor:
        """A weight with its moved entries put in their places."""
        origin, (pieces, sizes) = self._origin[name], zip(*self._of_tensor[name], strict=True)
        if self._is_whole(name):
            return part.to(origin.dtype)
        taken = zip(pieces, part.split(sizes), strict=True)
        units = {piece.index: _fill(piece, some, origin) for piece, some in taken}
        if (cut := pieces[0].cut) is None:
            return units[None]
        put: Tensor = cut.put(origin, units)
        return put

    def _is_whole(self, name: str) -> bool:
        """Whether the moved entries of a weight are all of it, in their own order."""
        sized, cut = self._of_tensor[name], self._of_tensor[name][0][0].cut
        count = sum(size for _, size in sized)
        return count == self._origin[name].numel() and (cut is None or cut.in_order)


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

    def draw(self, span: Span | None = None) -> Tensor:
        """Noise of the next step: (d,), on the patch's device, in its precision.

        Args:
            span: For these entries alone. Those of a step are drawn in their order.
        """
        like, span = self._patch.like, span or self._patch.whole
        noise = torch.empty(sum(span.sizes), dtype=like.dtype)
        self.fill(noise, span)
        return noise.to(like.device)

    def fill(self, noise: Tensor, span: Span | None = None) -> None:
        """Noise of the next step into a tensor in the memory of the CPU."""
        span = span or self._patch.whole
        for (i, _), part in zip(span.parts, noise.split(span.sizes), strict=True):
            piece, generator = self._patch.pieces[i], self._streams[i]
            if piece.chosen is None:
                torch.randn(part.shape, generator=generator, out=part)
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
