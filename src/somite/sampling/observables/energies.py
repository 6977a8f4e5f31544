"""Energy of a block at a draw: what the loss would be had this block alone moved."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from somite.sampling.target import per_example


@torch.no_grad()
def block_energies(
    evaluate: Callable[[Tensor], Tensor],
    weights: Tensor,
    center: Tensor,
    center_loss: Tensor,
    blocks: Mapping[str, Tensor],
) -> np.ndarray:
    """φ_C = L(w* with block C taken from w) − L(w*) on fixed examples; one forward pass a block.

    Args:
        evaluate: Losses of the examples at moved weights.
        weights: w (d,).
        center: w* (d,).
        center_loss: Loss of every example at w* (example,).
        blocks: Which entries are a block's (d,).

    Returns:
        (block,); NaN for a block that the component does not move.
    """
    energies = [
        float((per_example(evaluate(torch.where(chosen, weights, center))) - center_loss).mean())
        if bool(chosen.any())
        else float("nan")
        for chosen in blocks.values()
    ]
    return np.array(energies)
