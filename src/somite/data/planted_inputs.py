"""Random inputs for planted networks: correlated between modules, or with balanced signs."""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from somite.core.checks import at_least
from somite.core.errors import InputError


def correlated_inputs(
    count: int, widths: Sequence[int], correlation: float, generator: torch.Generator
) -> Tensor:
    """Standard normal inputs of several modules, alike between modules as far as asked.

        x_m[j] = √ρ z[j] + √(1 − ρ) e_m[j],     z, e ~ N(0, 1)

    so that the j-th inputs of any two modules have correlation ρ, and all others none.

    Args:
        count: How many examples.
        widths: Inputs of each module.
        correlation: ρ from 0 to 1.
        generator: Where the numbers come from; on the CPU.

    Returns:
        (count, sum of widths), float64.

    Raises:
        InputError: If a number is out of range.

    Example:
        >>> from somite.core.random import stream
        >>> x = correlated_inputs(5, [2, 2], 1.0, stream("example"))
        >>> bool((x[:, :2] == x[:, 2:]).all())
        True
    """
    _check(count, widths)
    if not 0 <= correlation <= 1:
        remedy = "0 is independence, 1 the same inputs."
        raise InputError("correlation", "must be between 0 and 1", correlation, remedy)
    common = torch.randn(count, max(widths), generator=generator, dtype=torch.float64)
    parts = []
    for width in widths:
        own = torch.randn(count, width, generator=generator, dtype=torch.float64)
        parts.append(correlation**0.5 * common[:, :width] + (1 - correlation) ** 0.5 * own)
    return torch.cat(parts, 1)


def mirrored_inputs(count: int, widths: Sequence[int], generator: torch.Generator) -> Tensor:
    """Normal inputs, each with every choice of signs of its modules.

    The mean over the examples of f(x_1) g(x_2), and of f(x_1) alone, is zero for odd f: the
    examples themselves, not only their law, keep odd functions of separate modules apart.

    Args:
        count: Independent examples, before they are mirrored.
        widths: Inputs of each module.
        generator: Where the numbers come from; on the CPU.

    Returns:
        (count · 2^modules, sum of widths), float64.

    Raises:
        InputError: If a number is below 1.

    Example:
        >>> from somite.core.random import stream
        >>> x = mirrored_inputs(3, [1, 1], stream("example"))
        >>> x.shape, x.reshape(4, 3, 2).sum(0).tolist()
        (torch.Size([12, 2]), [[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
    """
    _check(count, widths)
    drawn = torch.randn(count, sum(widths), generator=generator, dtype=torch.float64)
    choices = torch.tensor(list(product((1.0, -1.0), repeat=len(widths))), dtype=torch.float64)
    signs = choices.repeat_interleave(torch.tensor(widths), 1)
    return (signs[:, None] * drawn).flatten(0, 1)


def _check(count: int, widths: Sequence[int]) -> None:
    """Require at least one example, one module, and one input of each.

    Raises:
        InputError: If one is missing.
    """
    at_least("count", count, 1)
    if not widths:
        raise InputError("widths", "must hold at least one width", [], "Name a module.")
    for width in widths:
        at_least("widths", width, 1)
