"""The attention of one layer: which slices of its tensors belong to which head.

Head h is unit h of every tensor; keys and values of group g that several heads share are unit
heads + g.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from somite.components.cuts import Cut
from somite.components.families.family import REMEDY, Family
from somite.components.families.separate import separate
from somite.components.mask import Mask, whole
from somite.core.errors import InputError


@dataclass(frozen=True, eq=False)
class Attention:
    """The attention of one layer.

    Args:
        weights: All weights of the model by name.
        family: How they are stored.
        layer: Name of the layer in the model.
        heads: Number of heads.
    """

    weights: Mapping[str, Tensor]
    family: Family
    layer: str
    heads: int

    @property
    def name(self) -> str:
        """Name of the attention in the model."""
        return f"{self.layer}.{self.family.attention}"

    @property
    def output(self) -> str:
        """Name of the output projection in the model."""
        return f"{self.name}.{self.family.output}"

    @cached_property
    def own(self) -> dict[str, Tensor]:
        """Its weights."""
        return {n: w for n, w in self.weights.items() if n.startswith(f"{self.name}.")}

    @cached_property
    def cuts(self) -> dict[str, Cut]:
        """How its tensors fall into heads; empty in a layer without attention.

        Raises:
            InputError: If they do not.
        """
        rows, columns = (1, 0) if self.family.transposed else (0, 1)
        if (written := self.own.get(f"{self.output}.weight")) is None:
            return {}
        width = written.shape[columns]
        if width % self.heads:
            rule = f"must be a multiple of the {self.heads} heads"
            raise InputError("width of the output projection", rule, width, REMEDY)
        d_head = width // self.heads
        found = {f"{self.output}.weight": Cut(columns, separate(width, self.heads, d_head))}
        for projection in self.family.projections:
            for name, axis in (("weight", rows), ("bias", 0)):
                full = f"{self.name}.{projection}.{name}"
                if full in self.own:
                    size = self.own[full].shape[axis]
                    found[full] = Cut(axis, self.family.storage(size, self.heads, d_head))
        return found

    @cached_property
    def groups(self) -> int:
        """Number of keys that several heads share; 0 if every head has its own."""
        owners = [max(cut.owners or ()) for cut in self.cuts.values()]
        return max([self.heads - 1, *owners]) - self.heads + 1

    def members(self, group: int) -> range:
        """Heads that read the keys and values of a group."""
        share = self.heads // self.groups
        return range(group * share, (group + 1) * share)

    def mask(self, *units: int) -> Mask:
        """Some heads, or keys and values of some groups."""
        wanted = set(units)
        return Mask(
            {
                name: cut.mask(self.own[name].shape, *units)
                for name, cut in self.cuts.items()
                if wanted & set(cut.owners or ())
            }
        )

    @property
    def common(self) -> dict[str, Tensor]:
        """What belongs to no head: the bias of the output, norms of queries and keys."""
        return {name: whole(w) for name, w in self.own.items() if name not in self.cuts}
