"""The toy model of superposition, f(x) = ReLU(Wᵀ W x + b), and its exact population loss.

An input has one feature: x = μ e_i, i uniform over the c columns, μ uniform on [0, 1]. For each
pair (input i, output j) the activation is linear in μ until it is cut off, so that the integral
over μ is a polynomial on each side of the switching point −b_j / g_ji, g = Wᵀ W.
"""

import torch
from torch import Tensor

from somite.core.errors import InputError


def population_loss(weights: Tensor, bias: Tensor) -> Tensor:
    """Exact mean squared error of the toy model of superposition, differentiable.

    L = (1/c) Σ_i ∫₀¹ ‖μ e_i − ReLU(μ g_·i + b)‖² dμ,   g = Wᵀ W

    Args:
        weights: W (r, c), one column per feature; r = 2 in the published model.
        bias: b (c,).

    Returns:
        The loss, a scalar tensor. Its gradient is exact; where a switching point crosses 0 or 1
        the second derivative may jump.

    Raises:
        InputError: If the shapes do not fit.

    Source: Chen et al. (2310.06301), section 3 and appendix; squared error without ½.

    Example:
        Four features at right angles, two of six unused: 2/6 of ∫ μ² dμ = 1/3.

        >>> cross = torch.tensor([[1.0, 0, -1, 0, 0, 0], [0, 1, 0, -1, 0, 0]]).double()
        >>> bias = torch.tensor([0.0, 0, 0, 0, -1, -1]).double()
        >>> print(f"{population_loss(cross, bias):.6f}")
        0.111111
    """
    if weights.ndim != 2 or bias.shape != weights.shape[1:]:
        rule, shapes = "must have shapes (r, c) and (c,)", (tuple(weights.shape), tuple(bias.shape))
        raise InputError("weights and bias", rule, shapes, "Give one bias for each column.")
    slope = weights.T @ weights  # (output, input)
    outputs = _square(slope, bias[:, None].expand_as(slope)).sum()
    wanted = _product(slope.diagonal(), bias).sum()
    columns = len(bias)
    return (outputs - 2 * wanted) / columns + 1 / 3


def _square(slope: Tensor, start: Tensor) -> Tensor:
    """∫₀¹ ReLU(start + slope·μ)² dμ."""
    always = start**2 + start * slope + slope**2 / 3
    on, _ = _active_part(slope, start)
    partly = slope**2 * on**3 / 3
    return torch.where((start >= 0) & (start + slope >= 0), always, partly)


def _product(slope: Tensor, start: Tensor) -> Tensor:
    """∫₀¹ μ ReLU(start + slope·μ) dμ."""
    always = slope / 3 + start / 2
    on, rising = _active_part(slope, start)
    partly = slope * torch.where(rising, on**2 * (3 - on), -(on**3)) / 6
    return torch.where((start >= 0) & (start + slope >= 0), always, partly)


def _active_part(slope: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """Length of the part of [0, 1] where a line that changes its sign is positive; else 0."""
    end = start + slope
    rising, falling = (start < 0) & (end > 0), (start > 0) & (end < 0)
    # Divided only where the sign changes, so that no gradient passes through 0/0.
    switch = -start / torch.where(rising | falling, slope, torch.ones_like(slope))
    none = torch.zeros_like(slope)
    return torch.where(rising, 1 - switch, torch.where(falling, switch, none)), rising
