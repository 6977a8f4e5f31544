"""How far a draw is from the center, what the loss pulls it back with, and how strongly in all."""

import torch
from torch import Tensor
from torch.linalg import vecdot

from somite.sampling.kernels.kernel import Point
from somite.sampling.target import Target


def displacement(here: Point, center: Tensor, target: Target) -> Tensor:
    """‖w − w*‖², ½ (w − w*)·∂L_B and ‖∂U_B‖² of each chain.

    Args:
        here: Where the chains are (…, d).
        center: w*, of the same shape.
        target: Holds the scale.

    Returns:
        (3, …), in this order.
    """
    away = here.weights - center
    drift = target.drift(here.gradient, here.weights, center)
    pull = vecdot(away, here.gradient) / 2
    return torch.stack([vecdot(away, away), pull, vecdot(drift, drift)])
