"""Quadratic losses: the local posterior is a Gaussian, and everything has a closed form.

L(w) = L(w*) + g·Δ + ½ Δᵀ H Δ,   Δ = w − w*
p(w) ∝ exp(−n_beta L(w) − localization/2 ‖Δ‖²) = N(w* − n_beta Σ g, Σ)
Σ = (n_beta H + localization)⁻¹
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_discrete_lyapunov

from somite.core.checks import not_negative
from somite.core.errors import InputError

Array = NDArray[np.float64]


def gaussian_llc(
    curvatures: ArrayLike,
    n_beta: float,
    localization: float = 0.0,
    gradient: ArrayLike | None = None,
) -> float:
    """Exact n_beta · (E[L] − L(w*)) of a quadratic loss at finite n_beta and localization.

    ½ Σ_i n_beta h_i / (n_beta h_i + localization); with a slope g at the center each direction
    adds n_beta (g_i μ_i + ½ h_i μ_i²), μ_i = −n_beta g_i / (n_beta h_i + localization), which is
    negative where h_i is not.

    Args:
        curvatures: Eigenvalues h_i of the Hessian (d,). Those that are exactly zero add nothing
            and may be left out, unless there is a slope along them.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center.
        gradient: Slope g at the center in the eigenbasis (d,); none if left out.

    Returns:
        The local learning coefficient that a perfect sampler finds.

    Raises:
        InputError: If a number is negative, the shapes differ, or there is no such Gaussian
            because n_beta h_i + localization is not positive in a direction that matters.

    Source: the estimate of Lau et al. (2308.12108), whose integrals are Gaussian here.

    Example:
        >>> gaussian_llc([3.0, 1.0, 0.0], n_beta=10.0, localization=10.0)
        0.625
    """
    h, slope = _check_quadratic(curvatures, gradient, n_beta, localization)
    precision = n_beta * h + localization
    counted = (h != 0) | (slope != 0)
    if n_beta == 0:
        return 0.0
    if not (precision[counted] > 0).all():
        rule = "must exceed the steepest fall of the loss, −n_beta·curvature"
        least = float(precision[counted].min())
        remedy = "Raise localization: the chain is not held in that direction."
        raise InputError("localization", rule, f"a precision of {least}", remedy)
    h, slope, precision = h[counted], slope[counted], precision[counted]
    mean = -n_beta * slope / precision
    return float(np.sum(n_beta * (h / precision / 2 + slope * mean + h * mean**2 / 2)))


def gaussian_asymptote(curvatures: ArrayLike, tolerance: float = 1e-9) -> float:
    """Learning coefficient of a quadratic loss: half the number of curved directions.

    Args:
        curvatures: Eigenvalues of the Hessian (d,).
        tolerance: What counts as curved, relative to the largest curvature.

    Returns:
        The limit of `gaussian_llc` for large n_beta.

    Example:
        >>> gaussian_asymptote([3.0, 1.0, 0.0])
        1.0
    """
    h = np.asarray(curvatures, dtype=np.float64)
    return float(np.sum(h > tolerance * h.max(initial=0.0))) / 2


def gaussian_covariance(hessian: ArrayLike, n_beta: float, localization: float = 0.0) -> Array:
    """Covariance Σ = (n_beta H + localization)⁻¹ of the local posterior of a quadratic loss.

    Args:
        hessian: H (d, d), symmetric.
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center.

    Returns:
        Σ (d, d).

    Raises:
        InputError: If a number is negative, H is not symmetric, or the posterior is no Gaussian.

    Example:
        >>> gaussian_covariance([[3.0]], n_beta=1.0, localization=1.0)
        array([[0.25]])
    """
    not_negative("n_beta", n_beta)
    not_negative("localization", localization)
    matrix = _check_square("hessian", hessian)
    if not np.allclose(matrix, matrix.T):
        remedy = "Average it with its transpose."
        raise InputError("hessian", "must be symmetric", "a matrix that is not", remedy)
    precision = n_beta * matrix + localization * np.eye(len(matrix))
    least = float(np.linalg.eigvalsh(precision)[0])
    if not least > 0:
        rule, remedy = "must make n_beta·H + localization positive definite", "Raise localization."
        raise InputError("localization", rule, f"a smallest eigenvalue of {least}", remedy)
    return np.asarray(np.linalg.inv(precision))


def gaussian_mean(
    hessian: ArrayLike, gradient: ArrayLike, n_beta: float, localization: float = 0.0
) -> Array:
    """Mean displacement E[w − w*] = −n_beta Σ g of the local posterior of a quadratic loss.

    Args:
        hessian: H (d, d), symmetric.
        gradient: Slope g at the center (d,).
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center.

    Returns:
        (d,).

    Example:
        >>> gaussian_mean([[3.0]], [2.0], n_beta=1.0, localization=1.0)
        array([-0.5])
    """
    covariance = gaussian_covariance(hessian, n_beta, localization)
    return np.asarray(-n_beta * covariance @ np.asarray(gradient, dtype=np.float64))


def stationary_covariance(transition: ArrayLike, noise_covariance: ArrayLike) -> Array:
    """Covariance C of the linear recursion x ← A x + ξ, ξ ~ N(0, Q), once it has settled.

    Solves C = A C Aᵀ + Q.

    Args:
        transition: A (d, d), all eigenvalues inside the unit circle.
        noise_covariance: Q (d, d), the covariance of the noise of one step.

    Returns:
        C (d, d).

    Raises:
        InputError: If the shapes differ, or the recursion grows without bound.

    Example:
        >>> stationary_covariance([[0.5]], [[3.0]])
        array([[4.]])
    """
    step = _check_square("transition", transition)
    noise = _check_square("noise_covariance", noise_covariance)
    if step.shape != noise.shape:
        rule = f"must have the shape {step.shape} of the transition"
        raise InputError("noise_covariance", rule, noise.shape, "Give one row per coordinate.")
    radius = float(np.abs(np.linalg.eigvals(step)).max())
    if not radius < 1:
        rule, remedy = "must have all eigenvalues inside the unit circle", "Take a smaller step."
        raise InputError("transition", rule, f"a spectral radius of {radius}", remedy)
    return np.asarray(solve_discrete_lyapunov(step, noise))


def _check_quadratic(
    curvatures: ArrayLike, gradient: ArrayLike | None, n_beta: float, localization: float
) -> tuple[Array, Array]:
    not_negative("n_beta", n_beta)
    not_negative("localization", localization)
    h = np.asarray(curvatures, dtype=np.float64)
    slope = np.zeros_like(h) if gradient is None else np.asarray(gradient, dtype=np.float64)
    if h.ndim != 1 or slope.shape != h.shape:
        rule, shapes = "must be vectors of one length", (h.shape, slope.shape)
        raise InputError("curvatures and gradient", rule, shapes, "Give one number per direction.")
    if not (np.isfinite(h).all() and np.isfinite(slope).all()):
        remedy = "Choose another center."
        raise InputError("curvatures and gradient", "must be finite", "NaN or infinity", remedy)
    return h, slope


def _check_square(argument: str, value: ArrayLike) -> Array:
    matrix = np.asarray(value, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not np.isfinite(matrix).all():
        rule, remedy = "must be a square matrix of finite numbers", "Give one row per coordinate."
        raise InputError(argument, rule, f"shape {matrix.shape}", remedy)
    return matrix
