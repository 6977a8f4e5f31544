"""One of every kernel, and what surrounds a single step: a bowl with a slope at its center."""

import pytest
import torch
from torch import Tensor

from somite.sampling.kernels import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, RMSpropSGLD
from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.target import Target

KERNELS = [
    SGLD(step_size=1e-3),
    RMSpropSGLD(step_size=1e-4),
    AdamSGLD(step_size=1e-4),
    BAOAB(step_size=0.03, friction=5.0),
    SGNHT(step_size=0.03, friction=5.0),
    MALA(step_size=1e-3),
    HMC(step_size=0.03, leapfrogs=3),
]
every = pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
CENTER = torch.tensor([1.0, -1.0, 0.5], dtype=torch.float64)


def bowl(weights: Tensor) -> Point:
    """L = ½‖w − w*‖² + Σ(w − w*): no gradient at the center is zero."""
    away = weights - CENTER
    return Point(weights, float(away.square().sum() / 2 + away.sum()), away + 1)


def scene(seed: int = 0, adapting: bool = True, **scale: float) -> Scene:
    """One step's surroundings, with the same noise for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    target = Target(lambda model, batch: batch, torch.zeros(1), **{"n_beta": 3.0} | scale)
    return Scene(
        target,
        CENTER,
        lambda: torch.randn(3, generator=generator, dtype=torch.float64),
        lambda: float(torch.rand(1, generator=generator)),
        bowl,
        adapting,
    )
