"""Permutations that leave nothing in its place."""

import torch
from torch import Tensor

from somite.core.checks import at_least


def derangement(number: int, generator: torch.Generator) -> Tensor:
    """A random permutation without fixed points: one cycle through all, in random order.

    Args:
        number: How many things, at least two.
        generator: Where the order comes from.

    Returns:
        Which thing each is replaced by (number,).

    Bad input:
        `InputError` if there are fewer than two.

    Example:
        >>> derangement(2, torch.Generator().manual_seed(0))
        tensor([1, 0])
    """
    at_least("number", number, 2)
    order = torch.randperm(number, generator=generator)
    partner = torch.empty_like(order)
    partner[order] = order.roll(1)
    return partner
