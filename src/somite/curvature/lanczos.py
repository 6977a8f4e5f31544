"""Extreme eigenvalues and spectral weights of a symmetric matrix known by its products.

From a random unit vector v₁, with V = [v₁ … v_m] kept orthonormal:

    β_j v_{j+1} = H v_j − α_j v_j − β_{j−1} v_{j−1},   T = Vᵀ H V = tridiagonal(α, β)

The eigenvalues θ of T (Ritz values) lie inside the spectrum of H and find its ends first; the
squared first entries of T's eigenvectors are the weights of a Gauss quadrature for v₁ᵀ f(H) v₁.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.curvature.products import Product, finite_product

ASYMMETRY = 0.01  # of the largest entry of T: beyond the rounding of a single-precision network
CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What one Lanczos run knows of a symmetric matrix.

    Args:
        values: Ritz values (m,), ascending, float64; each distinct eigenvalue at most once, but
            for rounding.
        weights: Share (m,) of the start vector's squared length that each Ritz value stands for;
            they sum to 1. On average over start vectors, the share of all eigenvalues.
        residual: ‖H y − θ y‖ of the largest Ritz pair: but for rounding, some eigenvalue lies
            within it of θ. It cannot tell of a larger eigenvalue that the start vector all but
            missed.
        size: Side d of the matrix.
    """

    values: Tensor
    weights: Tensor
    residual: float
    size: int

    @property
    def largest(self) -> float:
        """Largest Ritz value, by sign and not by size: never above the largest eigenvalue."""
        return float(self.values[-1])

    @property
    def smallest(self) -> float:
        """Smallest Ritz value, negative if any is: never below the smallest eigenvalue."""
        return float(self.values[0])


def lanczos(
    product: Product,
    size: int,
    steps: int,
    generator: torch.Generator,
    dtype: torch.dtype,
    device: torch.device = CPU,
) -> Spectrum:
    """Ritz values and weights after some Lanczos steps from a random direction.

    Every new vector is made orthogonal to all former ones, twice. The run ends early, and is then
    exact, where H maps the vectors so far onto themselves; this is after `size` steps at the
    latest. It keeps min(steps, size) vectors.

    Args:
        product: Function v ↦ H v for vectors (size,); H symmetric, the same in every call.
        size: Side d of the matrix.
        steps: Most products to take; 10 to 30 find the ends of a spectrum.
        generator: CPU stream of the start vector, which is uniform on the sphere.
        dtype: Floating type of the vectors. Prefer float64, even if the products are computed in
            float32: in float32, sums over millions of entries round to 1e-4 of the largest value.
        device: Where the vectors live.

    Returns:
        The spectrum.

    Raises:
        InputError: If `size` or `steps` is below 1, `dtype` is no floating type, a product is not
            finite, or the products are not those of one symmetric matrix.

    Source:
        Golub and Meurant 2010, Matrices, moments and quadrature, chapters 4 and 6; the residual
        is |β_m s_m| with s the top eigenvector of T (Paige 1971).

    Example:
        >>> from somite.core.random import stream
        >>> diagonal = torch.tensor([4.0, 1.0, -2.0], dtype=torch.float64)
        >>> run = lanczos(lambda v: diagonal * v, 3, 10, stream("example"), torch.float64)
        >>> [round(value, 9) for value in run.values.tolist()], round(run.largest, 9)
        ([-2.0, 1.0, 4.0], 4.0)
    """
    at_least("size", size, 1)
    at_least("steps", steps, 1)
    require_float(dtype)
    start = torch.randn(size, generator=generator, dtype=torch.float64)
    basis = torch.zeros(min(steps, size), size, dtype=dtype, device=device)  # (m, d)
    basis[0] = (start / start.norm()).to(basis)
    diagonal: list[float] = []
    beside: list[float] = []
    for step in range(len(basis)):
        image = finite_product(product, basis[step])
        parts = basis[: step + 1] @ image  # (step + 1,)
        _require_symmetric(parts, diagonal, beside)
        rest = image - basis[: step + 1].T @ parts
        rest -= basis[: step + 1].T @ (basis[: step + 1] @ rest)
        diagonal.append(float(parts[-1]))
        beside.append(float(torch.linalg.vector_norm(rest, dtype=torch.float64)))
        if beside[-1] <= _rounding(diagonal, beside, dtype):
            break
        if step + 1 < len(basis):
            basis[step + 1] = rest / beside[-1]
    return _ritz(diagonal, beside, size)


def require_float(dtype: torch.dtype) -> None:
    """Require a floating type.

    Raises:
        InputError: If it is not one.
    """
    if not dtype.is_floating_point:
        raise InputError("dtype", "must be a floating type", dtype, "Give torch.float64.")


def _require_symmetric(parts: Tensor, diagonal: list[float], beside: list[float]) -> None:
    """Require v_i · H v_j = v_j · H v_i, known from before: β for i = j − 1, zero further up.

    Raises:
        InputError: If they differ by more than `ASYMMETRY`.
    """
    if len(parts) < 2:
        return
    expected = torch.zeros_like(parts[:-1])
    expected[-1] = beside[-1]
    gap = float((parts[:-1] - expected).abs().max())
    scale = max(float(parts.abs().max()), *map(abs, diagonal), *beside)
    if gap > ASYMMETRY * scale:
        raise InputError(
            "product",
            "must be that of one symmetric matrix",
            f"u·Hv and v·Hu that differ by {gap / scale:.2g} of the largest entry",
            "Use the same data in every call and differentiate one scalar loss.",
        )


def _rounding(diagonal: list[float], beside: list[float], dtype: torch.dtype) -> float:
    """Length of a remainder that is nothing but rounding of the products."""
    return 10 * float(torch.finfo(dtype).eps) * max(map(abs, (*diagonal, *beside)))


def _ritz(diagonal: list[float], beside: list[float], size: int) -> Spectrum:
    """Spectrum of T; the last entry of `beside` is the one that leaves the basis."""
    tridiagonal = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    for step, beta in enumerate(beside[:-1]):
        tridiagonal[step, step + 1] = tridiagonal[step + 1, step] = beta
    values, vectors = torch.linalg.eigh(tridiagonal)
    residual = beside[-1] * abs(float(vectors[-1, -1]))
    return Spectrum(values, vectors[0] ** 2, residual, size)
