"""Which weights are which component."""

from somite.components.mask import Mask
from somite.components.select import components

__all__ = ["Mask", "components"]
