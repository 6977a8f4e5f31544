"""Four ways to spoil the weights of a component, each in steps from coarse to fine.

A tensor that falls into units (the slices of heads) is treated unit by unit. Vectors, such as
biases and the gains of norms, stay as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.core.checks import at_least, not_negative, positive
from somite.core.errors import InputError

REACHES = (0.2, 0.3, 0.45, 0.7, 1.0)
"""Ranges that are tried for quantisation, as shares of the largest weight of a unit."""
Change = Callable[[Tensor, float, int, torch.Generator], Tensor]
"""A unit, the level, which variant, and where noise comes from, to the changed unit."""


def quantized(weights: Tensor, bits: float, reach: float) -> Tensor:
    """Weights rounded to the nearest of round(2^bits) evenly spaced values from −reach to reach.

        Δ = 2 · reach / (n − 1),   n = round(2^bits)

    Args:
        weights: Any shape.
        bits: At least 1.
        reach: m, half of the range; weights beyond it become −m or m.

    Raises:
        InputError: If there are fewer than two values, or the reach is no positive number.

    Source: Urdshals et al. (2510.12077), symmetric uniform quantisation.

    Example:
        >>> quantized(torch.tensor([-0.9, 0.2, 5.0]), 2, 1.0)
        tensor([-1.0000,  0.3333,  1.0000])
    """
    if not bits >= 1:
        raise InputError("bits", "must be at least 1", bits, "Two values need one bit.")
    spacing = 2 * positive("reach", reach) / (round(2**bits) - 1)
    return ((weights.clamp(-reach, reach) + reach) / spacing).round() * spacing - reach


def low_rank(weights: Tensor, rank: int) -> Tensor:
    """The nearest matrix of a rank: the first singular directions alone (Eckart and Young).

    Args:
        weights: A matrix.
        rank: At least 1.

    Raises:
        InputError: If it is no matrix.

    Example:
        >>> low_rank(torch.diag(torch.tensor([3.0, 2.0])), 1)
        tensor([[3., 0.],
                [0., 0.]])
    """
    if weights.ndim != 2:
        raise InputError("weights", "must be a matrix", tuple(weights.shape), "Pass two axes.")
    at_least("rank", rank, 1)
    left, values, right = torch.linalg.svd(weights, full_matrices=False)
    nearest: Tensor = (left[:, :rank] * values[:rank]) @ right[:rank]
    return nearest


def pruned(weights: Tensor, kept: float) -> Tensor:
    """Weights with the smallest set to zero.

    Args:
        weights: Any shape.
        kept: Share of the weights that stay, the largest by size; rounded to whole weights.

    Raises:
        InputError: If that is no share.

    Example:
        >>> pruned(torch.tensor([3.0, -1.0, 2.0, 0.5]), 0.5)
        tensor([3., 0., 2., 0.])
    """
    if not 0 <= kept <= 1:
        raise InputError("kept", "must be from 0 to 1", kept, "Give a share.")
    order = weights.abs().flatten().argsort(descending=True, stable=True)
    stays = torch.zeros(weights.numel(), dtype=torch.bool, device=weights.device)
    stays[order[: round(kept * weights.numel())]] = True
    return torch.where(stays.view(weights.shape), weights, 0.0)


def noisy(weights: Tensor, size: float, generator: torch.Generator) -> Tensor:
    """Weights plus normal noise of a standard deviation of size times their root mean square.

    Args:
        weights: Any shape.
        size: Of the noise, without unit.
        generator: Where it comes from; on the CPU.

    Example:
        >>> noisy(torch.ones(2), 0.0, torch.Generator())
        tensor([1., 1.])
    """
    not_negative("size", size)
    noise = torch.randn(weights.shape, generator=generator).to(weights)
    return weights + size * weights.square().mean().sqrt() * noise


@dataclass(frozen=True)
class Distortion:
    """One way to spoil weights.

    Args:
        name: What it is called.
        unit: What its level is called.
        levels: From coarse, which does much harm, to fine.
        variants: How many are made at each level.
        best: Whether the variant with the lowest loss counts; else their mean.
        change: Does it to a unit.
    """

    name: str
    unit: str
    levels: tuple[float, ...]
    variants: int
    best: bool
    change: Change


def _quantize(weights: Tensor, bits: float, variant: int, _: torch.Generator) -> Tensor:
    largest = float(weights.abs().max())
    return quantized(weights, bits, REACHES[variant] * largest) if largest else weights


def _factor(weights: Tensor, share: float, variant: int, _: torch.Generator) -> Tensor:
    matrix = weights.flatten(1)
    return low_rank(matrix, max(1, round(share * min(matrix.shape)))).view_as(weights)


def _disturb(weights: Tensor, size: float, variant: int, noise: torch.Generator) -> Tensor:
    return noisy(weights, size, noise)


def _prune(weights: Tensor, kept: float, variant: int, _: torch.Generator) -> Tensor:
    return pruned(weights, kept)


DISTORTIONS = {
    each.name: each
    for each in (
        Distortion("quantization", "bits", (1, 2, 3, 4, 5, 6, 7, 8), len(REACHES), True, _quantize),
        Distortion(
            "low_rank",
            "share of the ranks",
            (0.0625, 0.125, 0.25, 0.5, 0.75, 0.875, 1.0),
            1,
            False,
            _factor,
        ),
        Distortion(
            "noise",
            "size of the noise",
            (2.0, 1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125),
            2,
            False,
            _disturb,
        ),
        Distortion(
            "pruning",
            "share of the weights kept",
            (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0),
            1,
            False,
            _prune,
        ),
    )
}
"""By name."""
