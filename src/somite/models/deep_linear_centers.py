"""True parameters of deep linear networks at which the learning coefficient is known."""

from collections.abc import Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from somite.core.errors import InputError
from somite.theory.deep_linear_local import is_smooth
from somite.theory.product_map import generic_jacobian_rank, staircase
from somite.theory.widths import check_rank, check_widths


def random_center(
    widths: Sequence[int], generator: torch.Generator, ranks: Sequence[int] | None = None
) -> list[Tensor]:
    """Random weights at which half the Jacobian rank is the learning coefficient.

    Each W_l is U V with normal factors, scaled so that its entries have variance 1/H_{l−1}. If
    ranks are left out, each layer in random order has, with probability ½, its rank lowered to a
    uniform smaller one, unless the point would stop being regular. The published recipe lowers
    ranks without that condition, and so lands at singular points, whose coefficient is unknown.

    Args:
        widths: H_0, …, H_L, at least two.
        generator: Where the numbers come from; on the CPU.
        ranks: Rank of each layer, where they are to be fixed.

    Returns:
        W_1, …, W_L, float64. Regular (`is_regular`) if ranks were left out, else smooth
        (`is_smooth`).

    Raises:
        InputError: If a width or rank does not fit, or fixed ranks give a singular point.

    Source: Lau et al. (2308.12108), recipe of the true parameters.

    Example:
        >>> from somite.core.random import stream
        >>> first, second = random_center([4, 6, 3], stream("example"), ranks=[4, 1])
        >>> torch.linalg.matrix_rank(second).item()
        1
    """
    full = _full_ranks(widths)
    chosen = _regular_ranks(widths, full, generator) if ranks is None else list(ranks)
    if len(chosen) != len(full):
        remedy = "Give one rank for each layer."
        raise InputError("ranks", f"must hold {len(full)} ranks", chosen, remedy)
    for (inputs, outputs), rank in zip(pairwise(widths), chosen, strict=True):
        check_rank((inputs, outputs), rank)
    center = [
        _factor(inputs, outputs, rank, generator)
        for (inputs, outputs), rank in zip(pairwise(widths), chosen, strict=True)
    ]
    if ranks is not None and not is_smooth([weight.numpy() for weight in center]):
        remedy = "Leave out the ranks, or give full rank to the layers around a narrow one."
        raise InputError("ranks", "must give a smooth point", chosen, remedy)
    return center


def block_center(
    widths: Sequence[int], rank: int, generator: torch.Generator | None = None
) -> list[Tensor]:
    """The most degenerate weights of a rank, W_l = diag(W_r, 0): its coefficient is Aoyagi's.

    Args:
        widths: H_0, …, H_L, at least two.
        rank: r, from 0 to the smallest width.
        generator: Where random orthogonal blocks W_r come from; the identity if left out.

    Returns:
        W_1, …, W_L, float64.

    Raises:
        InputError: If a width or the rank does not fit.

    Source: the minimum of `somite.theory.deep_linear_coefficient` over all weights of the same
    product is attained here.

    Example:
        >>> block_center([2, 3, 2], rank=1)[0]
        tensor([[1., 0.],
                [0., 0.],
                [0., 0.]], dtype=torch.float64)
    """
    check_rank(widths, rank)
    center = []
    for inputs, outputs in pairwise(widths):
        weight = torch.zeros(outputs, inputs, dtype=torch.float64)
        weight[:rank, :rank] = _block(rank, generator)
        center.append(weight)
    return center


def _block(rank: int, generator: torch.Generator | None) -> Tensor:
    if generator is None:
        return torch.eye(rank, dtype=torch.float64)
    drawn = torch.randn(rank, rank, generator=generator, dtype=torch.float64)
    orthogonal: Tensor = torch.linalg.qr(drawn).Q
    return orthogonal


def _full_ranks(widths: Sequence[int]) -> list[int]:
    check_widths(widths)
    return [min(pair) for pair in pairwise(widths)]


def _regular_ranks(
    widths: Sequence[int], full: Sequence[int], generator: torch.Generator
) -> list[int]:
    ranks = list(full)
    for place in torch.randperm(len(full), generator=generator).tolist():
        lower = bool(torch.rand((), generator=generator) < 0.5) and full[place] > 1
        if not lower:
            continue
        tried = int(torch.randint(1, full[place], (), generator=generator))
        trial = [*ranks[:place], tried, *ranks[place + 1 :]]
        if _generic_rank_of(widths, trial) == generic_jacobian_rank(widths):
            ranks = trial
    return ranks


def _generic_rank_of(widths: Sequence[int], ranks: Sequence[int]) -> int:
    """Jacobian rank for layers of given ranks in general position: a product has the least."""
    from_input = list(accumulate(ranks, min, initial=widths[0]))
    from_output = list(accumulate(ranks[::-1], min, initial=widths[-1]))
    return staircase(from_input, from_output)


def _factor(inputs: int, outputs: int, rank: int, generator: torch.Generator) -> Tensor:
    if rank == min(inputs, outputs):
        drawn = torch.randn(outputs, inputs, generator=generator, dtype=torch.float64)
        return drawn.mul(inputs**-0.5)
    left = torch.randn(outputs, rank, generator=generator, dtype=torch.float64)
    right = torch.randn(rank, inputs, generator=generator, dtype=torch.float64)
    return (left @ right).mul((inputs * max(rank, 1)) ** -0.5)
