"""Covariance of two quadratic functions under a Gaussian: what linear response is in a basin.

f = g·Δ + ½ ΔᵀAΔ,   h likewise,   Δ ~ N(μ, Σ)
Cov(f, h) = (g + Aμ)ᵀ Σ (h + Bμ) + ½ tr(A Σ B Σ)
"""

import numpy as np
from numpy.typing import ArrayLike

from somite.core.errors import InputError

Quadratic = tuple[ArrayLike, ArrayLike]
"""Slope (d,) and curvature (d, d)."""


def quadratic_covariance(
    covariance: ArrayLike, first: Quadratic, second: Quadratic, mean: ArrayLike | None = None
) -> float:
    """Cov(f, h) of two quadratic functions of a Gaussian vector.

    Args:
        covariance: Σ (d, d), symmetric.
        first: Slope g (d,) and symmetric curvature A (d, d) of f, at the origin of Δ.
        second: Those of h.
        mean: μ (d,); zero if left out.

    Returns:
        The covariance.

    Raises:
        InputError: If the shapes do not agree.

    Source: Isserlis 1918, moments of a Gaussian.

    Example:
        >>> quadratic_covariance([[2.0]], ([1.0], [[0.0]]), ([3.0], [[0.0]]))
        6.0
        >>> quadratic_covariance([[2.0]], ([0.0], [[1.0]]), ([0.0], [[1.0]]))
        2.0
    """
    sigma = np.asarray(covariance, dtype=np.float64)
    parts = [np.asarray(part, dtype=np.float64) for part in (*first, *second)]
    size = len(sigma)
    found = [sigma.shape, *(part.shape for part in parts)]
    if found != [(size, size), (size,), (size, size), (size,), (size, size)]:
        rule = "must be a square matrix, and slopes and curvatures of its size"
        raise InputError("covariance and quadratics", rule, found, "Give one row per weight.")
    g, a, h, b = parts
    shift = np.zeros(size) if mean is None else np.asarray(mean, dtype=np.float64)
    linear = (g + a @ shift) @ sigma @ (h + b @ shift)
    return float(linear + np.trace(a @ sigma @ b @ sigma) / 2)
