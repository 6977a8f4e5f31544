"""Critical points of the toy model of superposition in the plane: k columns at even angles.

Columns that are not used are zero. Their biases are negative (dead), or at the positive critical
value 1/(2c), which a "+" in the name of the point counts.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize, root
from torch import Tensor

from somite.core.checks import at_least, positive
from somite.core.errors import InputError
from somite.theory.superposition import population_loss

LARGEST_KGON = 8
DEAD_BIAS = -1.0
"""Strictly negative: at 0 a chain slips into a chamber of lower loss."""

KNOWN_COEFFICIENTS: Mapping[str, float] = MappingProxyType({"5": 7.0, "5+": 8.5, "6": 8.5})
"""Learning coefficients for c = 6 by theory. Source: Chen et al. (2310.06301)."""

PUBLISHED_ESTIMATES: Mapping[str, float] = MappingProxyType({"5": 7.705, "5+": 9.906, "6": 9.027})
"""SGLD estimates for c = 6 and n = 5000. Source: Chen et al. (2310.06301), appendix K."""


def kgon(k: int, columns: int, positive_biases: int = 0) -> tuple[Tensor, Tensor]:
    """Weights and biases of a k-gon, a critical point of `population_loss`.

    Columns l (cos 2πi/k, sin 2πi/k) with bias b for i < k, where (l, b) makes the loss stationary
    (it does not depend on c); zero columns with bias −1 or 1/(2c) for the rest.

    Args:
        k: Number of used columns, 3 to 8.
        columns: c, at least k.
        positive_biases: How many unused biases are at 1/(2c), at most c − k.

    Returns:
        W (2, c) and b (c,), float64.

    Raises:
        InputError: If a number breaks its rule.

    Source: Chen et al. (2310.06301), section 3.

    Example:
        >>> weights, bias = kgon(5, columns=6)
        >>> print(f"{weights[0, 0]:.4f} {bias[0]:.4f} {bias[5]:.1f}")
        1.1705 -0.2823 -1.0
    """
    _check_kgon(k, columns, positive_biases)
    length, shift = _optimum(k)
    weights = torch.zeros(2, columns, dtype=torch.float64)
    weights[:, :k] = _corners(k) * length
    bias = torch.full((columns,), DEAD_BIAS, dtype=torch.float64)
    bias[:k] = shift
    bias[k : k + positive_biases] = 1 / (2 * columns)
    return weights, bias


def prior_term(k: int, columns: int, positive_biases: int = 0) -> float:
    """½‖w‖² of a k-gon and its positive biases, as it enters the free energy.

    Dead biases are left out: they lie in a half-line of equal loss.

    Args:
        k: Number of used columns, 3 to 8.
        columns: c, at least k.
        positive_biases: How many unused biases are at 1/(2c).

    Returns:
        ½ k (l² + b²) + ½ σ / (2c)².

    Raises:
        InputError: If a number breaks its rule.

    Source: Chen et al. (2310.06301), section 4: standard normal prior.

    Example:
        >>> print(f"{prior_term(4, columns=6, positive_biases=1):.5f}")
        2.00347
    """
    _check_kgon(k, columns, positive_biases)
    length, shift = _optimum(k)
    return (k * (length**2 + shift**2) + positive_biases / (2 * columns) ** 2) / 2


def transition_n(loss_gain: float, coefficient_cost: float, constant_cost: float = 0.0) -> float:
    """Number of samples at which the posterior moves to a phase of lower loss.

    The largest n with  −n·loss_gain + coefficient_cost·log n + constant_cost = 0.

    Args:
        loss_gain: By how much the loss of the new phase is lower, > 0.
        coefficient_cost: By how much its learning coefficient is higher, > 0.
        constant_cost: By how much its constant term, such as `prior_term`, is higher.

    Returns:
        n, not rounded.

    Raises:
        InputError: If a number is not positive where it must be, or the new phase wins at all n.

    Source: Chen et al. (2310.06301), section 4: free energy n L + λ log n + c of each phase.

    Example:
        Without the prior, the 6-gon wins over the 5-gon beyond this n:

        >>> five, six = (float(population_loss(*kgon(k, columns=6))) for k in (5, 6))
        >>> print(f"{transition_n(five - six, 8.5 - 7.0):.1f}")
        445.1
    """
    positive("loss_gain", loss_gain)
    positive("coefficient_cost", coefficient_cost)

    def balance(n: float) -> float:
        return -n * loss_gain + coefficient_cost * math.log(n) + constant_cost

    peak = coefficient_cost / loss_gain
    if not balance(peak) > 0:
        rule, remedy = "must leave a range of n where the old phase wins", "There is no transition."
        raise InputError("constant_cost", rule, constant_cost, remedy)
    end = peak
    while balance(end) > 0:
        end *= 2
    return float(brentq(balance, peak, end, xtol=1e-9))


def critical_n(columns: int = 6) -> float:
    """Number of samples beyond which the 6-gon wins over the 5-gon: see `transition_n`.

    Args:
        columns: c, at least 6; the coefficients are known for 6.

    Returns:
        n, not rounded.

    Raises:
        InputError: If there are fewer than 6 columns.

    Source: Chen et al. (2310.06301), section 4.

    Example:
        >>> print(f"{critical_n():.0f}")
        601
    """
    five, six = (float(population_loss(*kgon(k, columns))) for k in (5, 6))
    cost = KNOWN_COEFFICIENTS["6"] - KNOWN_COEFFICIENTS["5"]
    return transition_n(five - six, cost, prior_term(6, columns) - prior_term(5, columns))


def _check_kgon(k: int, columns: int, positive_biases: int) -> None:
    at_least("k", k, 3, "Use a triangle or more.")
    at_least("columns", columns, k, "Use at least as many columns as corners.")
    at_least("positive_biases", positive_biases, 0)
    if k > LARGEST_KGON:
        rule = f"must be at most {LARGEST_KGON}"
        raise InputError("k", rule, k, "Larger polygons are not known to be critical points.")
    if positive_biases > columns - k:
        rule = f"must be at most the number of unused columns, {columns - k}"
        raise InputError("positive_biases", rule, positive_biases, "Add columns.")


def _corners(k: int) -> Tensor:
    angles = 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    return torch.stack([angles.cos(), angles.sin()])


@lru_cache
def _optimum(k: int) -> tuple[float, float]:
    """Length of the columns and their bias where the loss of k columns is stationary."""

    def loss(point: Tensor) -> Tensor:
        return population_loss(point[0] * _corners(k), point[1].expand(k))

    def value(point: NDArray[np.float64]) -> float:
        return float(loss(torch.from_numpy(point)))

    def gradient(point: NDArray[np.float64]) -> NDArray[np.float64]:
        free = torch.from_numpy(point).requires_grad_()
        with torch.enable_grad():  # the caller may have switched gradients off
            return torch.autograd.grad(loss(free), free)[0].numpy()

    start = np.array([1.2, -0.3 * (k - 4)])
    near = minimize(value, start, jac=gradient, method="BFGS", options={"gtol": 1e-8})
    length, shift = root(gradient, near.x, tol=1e-14).x
    return float(length), float(shift)
