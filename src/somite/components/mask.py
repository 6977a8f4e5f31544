"""A component: a set of weight entries of a model."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Mask:
    """A set of weight entries: for each tensor it touches, which entries belong to it.

    Args:
        entries: Boolean tensor of the weight's shape, by the weight's name in the model. Tensors
            of which nothing is selected are dropped.

    Raises:
        InputError: If nothing is selected, or a tensor is not boolean.

    Example:
        >>> mask = Mask({"w": torch.tensor([True, False, True])})
        >>> mask.size
        2
    """

    entries: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        """Check the entries and drop empty tensors.

        Raises:
            InputError: If nothing is selected, or a tensor is not boolean.
        """
        for name, chosen in self.entries.items():
            if chosen.dtype != torch.bool:
                rule, remedy = "must be boolean", "Compare with a threshold or call .bool()."
                raise InputError(f"mask of {name}", rule, str(chosen.dtype), remedy)
        kept = {n: chosen for n, chosen in self.entries.items() if bool(_once(chosen).any())}
        if not kept:
            raise InputError(
                "component",
                "must select at least one weight",
                list(self.entries),
                "Check the names and patterns against model.named_parameters().",
            )
        object.__setattr__(self, "entries", kept)

    @property
    def size(self) -> int:
        """Number of selected weights."""
        return sum(_count(chosen) for chosen in self.entries.values())

    def __or__(self, other: "Mask") -> "Mask":
        """Entries that belong to either."""
        names = [*self.entries, *(n for n in other.entries if n not in self.entries)]
        return Mask({n: _union(self.entries.get(n), other.entries.get(n)) for n in names})


def _union(first: Tensor | None, second: Tensor | None) -> Tensor:
    if first is None or second is None:
        present = first if second is None else second
        assert present is not None
        return present
    return first | second


def _count(chosen: Tensor) -> int:
    once = _once(chosen)
    return int(once.sum()) * (chosen.numel() // max(once.numel(), 1))


def _once(chosen: Tensor) -> Tensor:
    """The selection without the axes along which it is an expanded copy of itself."""
    repeated = (
        stride == 0 and size > 1 for stride, size in zip(chosen.stride(), chosen.shape, strict=True)
    )
    return chosen[tuple(0 if again else slice(None) for again in repeated)]


def whole(tensor: Tensor) -> Tensor:
    """Selection of every entry of a tensor, which takes the memory of one; not to be written to."""
    return torch.ones((), dtype=torch.bool).expand(tensor.shape)
