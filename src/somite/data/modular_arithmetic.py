"""Arithmetic modulo a number: a task flag and two numbers, all one-hot, to the result.

Sum and difference modulo a prime are learned late and by a few Fourier frequencies; sum and product
with a flag ask whether a network keeps two functions apart (Csordás et al. 2021).
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError

OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
}


def modular_arithmetic(
    modulus: int, operations: Sequence[str] = ("sum",)
) -> tuple[Tensor, Tensor, Tensor]:
    """All pairs of numbers under every operation.

    Args:
        modulus: m; numbers are 0 … m − 1.
        operations: Names of `OPERATIONS`, one task each.

    Returns:
        Inputs (tasks · m², tasks + 2m) float32 (flag, a, b), results (tasks · m²,), and tasks
        (tasks · m²,).

    Raises:
        InputError: If the modulus is below 2, or an operation is unknown or none is given.

    Source: Power et al. (2201.02177) for the sum; Csordás et al. (2010.02066) for the flag, there
    with numbers of two digits.

    Example:
        >>> x, result, task = modular_arithmetic(3, ["sum", "product"])
        >>> x.shape, result[9 + 8].item()  # 2 · 2 modulo 3
        (torch.Size([18, 8]), 1)
    """
    at_least("modulus", modulus, 2)
    if not operations:
        raise InputError("operations", "must name at least one", [], "Give 'sum'.")
    for name in operations:
        one_of("operations", name, OPERATIONS)
    numbers = torch.arange(modulus)
    a, b = torch.cartesian_prod(numbers, numbers).T
    tasks = torch.arange(len(operations)).repeat_interleave(len(a))
    results = torch.cat([OPERATIONS[name](a, b) % modulus for name in operations])
    pair = torch.cat([F.one_hot(a, modulus), F.one_hot(b, modulus)], 1)
    flags = F.one_hot(tasks, len(operations))
    return torch.cat([flags, pair.repeat(len(operations), 1)], 1).float(), results, tasks
