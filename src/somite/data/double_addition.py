"""Two sums at once: the same function twice, on separate inputs."""

import torch
import torch.nn.functional as F
from torch import Tensor

from somite.core.checks import at_least


def double_addition(modulus: int, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random pairs of sums, (a + b) mod m and (c + d) mod m, all numbers one-hot.

    A network could use the same weights for both; trained ones keep two sets.

    Args:
        modulus: m; numbers are 0 … m − 1.
        count: How many examples.
        generator: Where the numbers come from; on the CPU.

    Returns:
        Inputs (count, 4m) float32 (a, b, c, d), and results (count, 2).

    Raises:
        InputError: If the modulus is below 2, or there is to be no example.

    Source: Csordás et al. (2010.02066), double addition; there with numbers of two digits.

    Example:
        >>> from somite.core.random import stream
        >>> x, results = double_addition(5, 7, stream("example"))
        >>> x.shape, results.shape, x.sum().item()
        (torch.Size([7, 20]), torch.Size([7, 2]), 28.0)
    """
    at_least("modulus", modulus, 2)
    at_least("count", count, 1)
    numbers = torch.randint(modulus, (count, 4), generator=generator)
    results = numbers.view(count, 2, 2).sum(-1) % modulus
    return F.one_hot(numbers, modulus).flatten(1).float(), results
