"""Deep linear networks side by side, and the dense network of the same weights."""

from collections.abc import Sequence
from itertools import pairwise

import torch

from somite.core.random import stream
from somite.models import (
    BlockLinear,
    DeepLinear,
    block_center,
    block_linear_population_loss,
    deep_linear_population_loss,
    random_center,
)
from somite.theory import deep_linear_coefficient, regular_coefficient
from somite.truths.truth import ALL, GroundTruth

Block = tuple[tuple[int, ...], int]
"""Widths and rank."""
BLOCKS: tuple[Block, ...] = (((3, 2, 2, 3), 1), ((3, 2, 2, 3), 1))
ROW = torch.zeros(1, dtype=torch.float64)


def block_linear(
    seed: int = 0, dense: bool = False, degenerate: bool = True, blocks: Sequence[Block] = BLOCKS
) -> GroundTruth:
    """Independent linear networks, or (the negative control) one dense network at their weights.

    Args:
        seed: Of the weights.
        dense: Whether the weights between the blocks exist; the labels then must not come out.
        degenerate: Weights of lowest coefficient for their rank, else regular ones of full rank.
        blocks: Widths and rank of each block; the rank is not read for regular weights.
    """
    generator = stream("block linear", seed)
    centers = [
        block_center(widths, rank, generator)
        if degenerate
        else random_center(widths, generator, [min(pair) for pair in pairwise(widths)])
        for widths, rank in blocks
    ]
    parts = BlockLinear([DeepLinear.from_weights(center) for center in centers])
    kinds = parts.dense_components() if dense else parts.components()
    control, components = parts.dense(), kinds["layers"]
    return GroundTruth(
        name="dense linear network at block weights" if dense else "block linear networks",
        model=control if dense else parts,
        loss=deep_linear_population_loss if dense else block_linear_population_loss,
        data=ROW,
        components=components,
        labels={name: name.split(":")[0] for name in components},
        modular=not dense,
        exact=_dense(control, blocks, degenerate)
        if dense
        else _blocks(centers, blocks, degenerate),
        notes="The dense network at these weights is not modular: its blocks are a basis.",
    )


def _blocks(
    centers: Sequence[Sequence[torch.Tensor]], blocks: Sequence[Block], degenerate: bool
) -> dict[str, float]:
    values = [
        deep_linear_coefficient(widths, rank).value
        if degenerate
        else regular_coefficient([weight.numpy() for weight in center]).value
        for center, (widths, rank) in zip(centers, blocks, strict=True)
    ]
    return {str(b): value for b, value in enumerate(values)} | {ALL: sum(values)}


def _dense(control: DeepLinear, blocks: Sequence[Block], degenerate: bool) -> dict[str, float]:
    if not degenerate:
        return {}
    widths = [sum(sizes) for sizes in zip(*[widths for widths, _ in blocks], strict=True)]
    rank = sum(rank for _, rank in blocks)
    return {ALL: deep_linear_coefficient(widths, rank).value}
