"""Quadratic basins with exact answers, for the posterior and for a kernel's own stationary law.

    loss_i(w) = ½ Δᵀ H Δ + g·Δ + t_i·Δ,   Δ = w − w*,   the tilts t_i sum to zero over the data

A minibatch of m tilts adds gradient noise of covariance Cov(t)/m, whatever w is.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import hadamard
from scipy.stats import truncnorm
from torch import Tensor, nn

from somite.core.random import stream
from somite.theory.gaussian import stationary_covariance

DIRECTIONS = 24
N_BETA, LOCALIZATION = 10.0, 2.0
CURVATURES = np.geomspace(0.03, 3.0, DIRECTIONS)
"""Precisions n_beta·h + localization from 2.3 to 32."""

Array = NDArray[np.float64]


class Basin(nn.Module):
    """A quadratic basin.

    Args:
        hessian: H (d, d).
        slope: g (d,), the gradient at the center; none if left out.
        center: w* (d,); the origin if left out.
    """

    hessian: Tensor
    slope: Tensor
    center: Tensor

    def __init__(
        self, hessian: Tensor, slope: Tensor | None = None, center: Tensor | None = None
    ) -> None:
        """Start at the center."""
        super().__init__()
        none = torch.zeros_like(hessian[0])
        self.register_buffer("hessian", hessian)
        self.register_buffer("slope", none if slope is None else slope)
        self.register_buffer("center", none if center is None else center)
        self.w = nn.Parameter(self.center.clone())


def basin_loss(model: Basin, tilts: Tensor) -> Tensor:
    """Loss of every tilt (example, d)."""
    away = model.w - model.center
    common: Tensor = away @ model.hessian @ away / 2 + model.slope @ away
    return common + tilts @ away


def turned(curvatures: Array) -> Tensor:
    """A Hessian with these eigenvalues in random directions."""
    size = len(curvatures)
    drawn = torch.randn(size, size, generator=stream("verify", "turn"), dtype=torch.float64)
    turn: Tensor = torch.linalg.qr(drawn).Q
    return turn @ torch.diag(torch.from_numpy(curvatures)) @ turn.T


def straight(curvatures: Array) -> Tensor:
    """A Hessian with these curvatures along the axes."""
    return torch.diag(torch.from_numpy(curvatures))


def flat(size: int = DIRECTIONS) -> Tensor:
    """One example without a tilt: gradients are those of the whole data."""
    return torch.zeros(1, size, dtype=torch.float64)


def even_tilts(size: int, scale: float) -> Tensor:
    """Tilts of size ±scale, uncorrelated between directions, with mean exactly zero.

    In each direction a minibatch of one example is ±scale with equal probability.
    """
    rows = 2 ** math.ceil(math.log2(size + 1))
    return torch.from_numpy(hadamard(rows)[:, 1 : size + 1] * scale).double()


def sgld_covariance(
    hessian: Tensor, step_size: float, gradient_variance: float = 0.0, n_beta: float = N_BETA
) -> Array:
    """Stationary covariance of SGLD; gradient noise of n_beta·∂L equal in all directions."""
    one = np.eye(len(hessian))
    drift = n_beta * hessian.numpy() + LOCALIZATION * one
    noise = (step_size + step_size**2 / 4 * gradient_variance) * one
    return stationary_covariance(one - step_size / 2 * drift, noise)


def half_trace(hessian: Tensor, covariance: Array, n_beta: float = N_BETA) -> float:
    """½ n_beta tr(H Σ), the coefficient of a quadratic loss."""
    return float(np.trace(hessian.numpy() @ covariance)) * n_beta / 2


def boxed_variance(precision: Array, box: float) -> Array:
    """Variance of N(0, 1/precision) cut to [−box, box]."""
    spread = precision**-0.5
    return np.asarray(truncnorm(-box / spread, box / spread, scale=spread).var())


class Regression(nn.Module):
    """Linear regression, y = w·x + noise of variance 1."""

    def __init__(self, weights: Tensor) -> None:
        """Start at the weights."""
        super().__init__()
        self.w = nn.Parameter(weights)


def log_loss(model: Regression, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Negative log likelihood of every example."""
    inputs, outputs = batch
    error: Tensor = outputs - inputs @ model.w
    return (error**2 + math.log(2 * math.pi)) / 2
