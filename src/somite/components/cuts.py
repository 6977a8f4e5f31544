"""How a tensor falls into units: the slices that noise belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cut:
    """A tensor cut across one axis into units.

    Args:
        axis: The axis.
        owners: For each place along it the number of the unit that it belongs to. A unit may own
            places that are apart, as a head does in a fused tensor of queries, keys and values.
            Left out, every place is a unit of its own.

    Example:
        >>> cut = Cut(1, (0, 0, 1))
        >>> cut.take(torch.arange(6).view(2, 3), 0)
        tensor([[0, 1],
                [3, 4]])
    """

    axis: int = 0
    owners: tuple[int, ...] | None = None

    @property
    def in_order(self) -> bool:
        """Whether the units one after another are the tensor's entries in their own order."""
        return self.axis == 0 and (self.owners is None or sorted(self.owners) == [*self.owners])

    def units(self, shape: torch.Size) -> list[int]:
        """Numbers of all units of a tensor of this shape, increasing."""
        return list(range(shape[self.axis])) if self.owners is None else list(self._places)

    def take(self, tensor: Tensor, unit: int) -> Tensor:
        """A unit of a tensor; without the axis where every place is a unit."""
        if self.owners is None:
            return tensor.select(self.axis, unit)
        return tensor.index_select(self.axis, self._places[unit].to(tensor.device))

    def put(self, tensor: Tensor, units: Mapping[int, Tensor]) -> Tensor:
        """The tensor with some of its units replaced (differentiable in these)."""
        values = list(units.values())
        if self.owners is None:
            places = torch.tensor(list(units), device=tensor.device)
            return tensor.index_copy(self.axis, places, torch.stack(values, self.axis))
        places = torch.cat([self._places[unit] for unit in units]).to(tensor.device)
        return tensor.index_copy(self.axis, places, torch.cat(values, self.axis))

    def mask(self, shape: torch.Size, *units: int) -> Tensor:
        """Selection of the entries of some units of a tensor of this shape.

        It is expanded, not stored: memory grows with the axis, not with the tensor.
        """
        owners = torch.arange(shape[self.axis]) if self.owners is None else self._owners
        along = [1] * len(shape)
        along[self.axis] = -1
        return torch.isin(owners, torch.tensor(units)).view(along).expand(shape)

    @cached_property
    def _owners(self) -> Tensor:
        return torch.tensor(self.owners)

    @cached_property
    def _places(self) -> dict[int, Tensor]:
        units = self._owners.unique()
        return {int(unit): (self._owners == unit).nonzero()[:, 0] for unit in units}


SLICES = Cut()
"""Every slice along the first axis is a unit."""
Units = Mapping[str, Cut] | frozenset[str]
"""How tensors are cut, by name; names alone stand for `SLICES`. Others are one unit each."""


def cut_of(units: Units, name: str) -> Cut | None:
    """How a tensor is cut; None if it is one unit.

    Example:
        >>> cut_of(frozenset({"W_Q"}), "W_Q") == SLICES
        True
    """
    if isinstance(units, Mapping):
        return units.get(name)
    return SLICES if name in units else None
