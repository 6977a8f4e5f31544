"""Quadratic losses of several blocks with a coupling between them; truth in closed form."""

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor

import somite as so
from couplings.compare import Problem
from somite.core.random import stream
from somite.theory import gaussian_truth
from somite.verify.basins import Basin, basin_loss, flat

SIZES = ((2, 2), (4, 3), (3, 3, 3), (6, 2), (8, 8))
COUPLINGS = (0.0, 0.1, 0.3, 0.6, 1.0)
SCALES = ((10.0, 1.0), (100.0, 3.0))
SEEDS = (0, 1)
STEP = 0.8
"""Of the length of the stiffest direction; the weights' variance is exact at any stable step."""


def problems() -> Iterator[Problem]:
    """All sizes, couplings, scales and seeds."""
    for sizes, coupling, scale, seed in itertools.product(SIZES, COUPLINGS, SCALES, SEEDS):
        yield problem(sizes, coupling, *scale, seed=seed)


def problem(
    sizes: tuple[int, ...], coupling: float, n_beta: float, held: float, seed: int = 0
) -> Problem:
    """Blocks of these sizes, more or less coupled."""
    hessian = curvature(sizes, coupling, seed)
    stiff = n_beta * float(torch.linalg.eigvalsh(hessian)[-1]) + held
    places = blocks(sizes)
    masks = {}
    for name, inside in places.items():
        chosen = torch.zeros(sum(sizes), dtype=torch.bool)
        chosen[inside] = True
        masks[name] = so.Mask({"w": chosen})
    label = f"blocks {sizes}, c {coupling:g}, n_beta {n_beta:g}, γ {held:g}, seed {seed}"
    return Problem(
        label, Basin(hessian), so.Target(basin_loss, flat(sum(sizes)), n_beta, held),
        so.BAOAB(STEP / math.sqrt(stiff), 2 * (held * stiff) ** 0.25), masks,
        lambda: gaussian_truth(hessian.numpy(), places, n_beta, held),
    )  # fmt: skip


def curvature(sizes: tuple[int, ...], coupling: float, seed: int) -> Tensor:
    """H = JᵀJ / 2 of J with its columns' features partly common to all blocks.

    Block b has features of its own, and coupling times features of a common space; at coupling 0
    its columns are orthogonal to those of other blocks.
    """
    generator = stream("coupled blocks", sizes, seed)
    width, total = max(sizes), sum(sizes)
    own = torch.block_diag(*(_random(size + 1, size, generator) for size in sizes))
    common = _random(width, total, generator) * coupling
    features = torch.cat([own, common])
    return features.T @ features / 2


def blocks(sizes: tuple[int, ...]) -> dict[str, list[int]]:
    """Places of the blocks, named A, B and so on."""
    ends = list(itertools.accumulate(sizes))
    starts = [end - size for end, size in zip(ends, sizes, strict=True)]
    return {name: list(range(a, b)) for name, a, b in zip("ABCDEFG", starts, ends, strict=False)}


def _random(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    drawn = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    return drawn / math.sqrt(rows)
