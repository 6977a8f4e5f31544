"""Columns of a sweep that say how far the weights of a model can be spoiled."""

from typing import Any

from torch import nn

from somite.consequences import DISTORTIONS, critical_level, damage
from somite.sampling.target import Data, Loss

NOISE = 0.25
"""Size of the noise, as a share of the root mean square of each unit of the weights."""


def spoiled(model: nn.Module, loss: Loss, data: Data, tolerance: float) -> dict[str, Any]:
    """Critical bits of all weights, and what noise costs.

    Args:
        model: At its last checkpoint.
        loss: As for `somite.consequences.damage`.
        data: Examples.
        tolerance: Rise of the mean loss at which the bits are read; 0 for no columns.

    Returns:
        `critical_bits` (see `critical_level`; NaN if 8 are too few) and `damage_noise`, the rise of
        the mean loss under noise of a quarter of the weights.

    Example:
        >>> import torch
        >>> from somite.models import MLP, squared_error_loss
        >>> x = torch.ones(4, 3)
        >>> sorted(spoiled(MLP([3, 4, 1], "relu"), squared_error_loss, (x, x[:, :1]), 0.1))
        ['critical_bits', 'damage_noise']
    """
    if not tolerance:
        return {}
    asked = {name: DISTORTIONS[name] for name in ("quantization", "noise")}
    found = damage(model, loss, data, distortions=asked).isel(component=0).mean("example")
    best = found.quantization.min("quantization_variant").values
    bits = critical_level(found.quantization_level.values.astype(float), best, tolerance)
    noisy = found.noise.sel(noise_level=NOISE).mean()
    return {"critical_bits": float(bits), "damage_noise": float(noisy)}
