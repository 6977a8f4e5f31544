"""Which weights are which component."""

from somite.components.mask import Mask
from somite.components.select import components
from somite.components.unions import modules, pairs, random_partitions

__all__ = ["Mask", "components", "modules", "pairs", "random_partitions"]
