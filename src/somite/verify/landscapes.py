"""Many independent copies of a loss of one or two weights: the coefficient is that many times one.

Copies cost a sampler hardly more time than one, and lower the relative error by the root of their
number.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from somite.verify.basins import flat

Height = Callable[[Any], Any]
"""Loss of weights (…, d), for PyTorch and NumPy alike."""


class Copies(nn.Module):
    """Copies of a landscape around a center.

    Args:
        height: The loss of one copy.
        center: w* of each copy (d,).
        copies: How many.
    """

    center: Tensor

    def __init__(self, height: Height, center: tuple[float, ...], copies: int) -> None:
        """Start at the center."""
        super().__init__()
        self.height = height
        self.register_buffer("center", torch.tensor([center] * copies, dtype=torch.float64))
        self.w = nn.Parameter(self.center.clone())


def copies_loss(model: Copies, tilts: Tensor) -> Tensor:
    """Sum over the copies for every tilt (example, copies · d)."""
    away = (model.w - model.center).flatten()
    heights: Tensor = model.height(model.w)
    return heights.sum() + tilts @ away


def no_tilts(copies: int, dimensions: int) -> Tensor:
    """One example: gradients are those of the whole data."""
    return flat(copies * dimensions)


def parabola(w: Any) -> Any:
    """½w²."""
    return w[..., 0] ** 2 / 2


def quartic(w: Any) -> Any:
    """w⁴, λ = 1/4."""
    return w[..., 0] ** 4


def sextic(w: Any) -> Any:
    """w⁶, λ = 1/6."""
    return w[..., 0] ** 6


def cross(w: Any) -> Any:
    """u²v², λ = 1/2 with multiplicity 2."""
    return w[..., 0] ** 2 * w[..., 1] ** 2


def uneven_cross(w: Any) -> Any:
    """u²v⁴, λ = 1/4."""
    return w[..., 0] ** 2 * w[..., 1] ** 4


def quartic_cross(w: Any) -> Any:
    """u⁴v⁴, λ = 1/4 with multiplicity 2."""
    return w[..., 0] ** 4 * w[..., 1] ** 4


def hyperbola(w: Any) -> Any:
    """(uv − 1)², a curved valley, λ = 1/2."""
    return (w[..., 0] * w[..., 1] - 1) ** 2


def line_and_point(w: Any) -> Any:
    """(u − 1)² (u² + v²)⁴: λ = 1/2 on the line u = 1, 1/4 at the origin."""
    return (w[..., 0] - 1) ** 2 * (w[..., 0] ** 2 + w[..., 1] ** 2) ** 4
