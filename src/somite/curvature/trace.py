"""Traces of a symmetric matrix and of a function of it, from random probe vectors.

    tr H ≈ mean over probes of zᵀ H z,   z_i = ±1 with equal chance
    ½ tr f(H) ≈ mean over Lanczos runs of (d/2) Σ_k weight_k f(θ_k)

Each comes with the standard error of its mean over probes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.core.checks import at_least, positive
from somite.core.errors import InputError
from somite.curvature.lanczos import CPU, Spectrum, require_float
from somite.curvature.products import Product, finite_product

ROUNDING = 1e-6  # of the largest Ritz value in size: what a single-precision product leaves of zero


@dataclass(frozen=True)
class Estimate:
    """A mean over probe vectors and its standard error.

    Args:
        value: The mean.
        error: Standard deviation of the mean.
    """

    value: float
    error: float


@dataclass(frozen=True)
class Dimension(Estimate):
    """Effective dimension, its standard error, and what of the spectrum is not a minimum's.

    Args:
        value: Mean over Lanczos runs of the sum without the unbounded part.
        error: Standard deviation of that mean; the error of the quadrature is not in it.
        negative: Share of the weight on Ritz values below zero by more than `ROUNDING`; on average
            over start vectors, the share of such directions.
        unbounded: Share on those with n_beta·θ + localization ≤ 0, in whose directions there is no
            Gaussian; they are left out of the sum.
    """

    negative: float
    unbounded: float

    @property
    def note(self) -> str:
        """What the shares mean, in words; empty where no Ritz value is negative."""
        if self.unbounded:
            return (
                f"{_percent(self.unbounded)} of the directions curve down more than localization "
                "holds: no Gaussian exists there, and they are left out. Raise the localization."
            )
        if self.negative:
            return f"{_percent(self.negative)} of the directions curve down and count below zero."
        return ""


def trace(
    product: Product,
    size: int,
    probes: int,
    generator: torch.Generator,
    dtype: torch.dtype,
    device: torch.device = CPU,
) -> Estimate:
    """Trace of a symmetric matrix, tr H ≈ mean of zᵀ H z over random sign vectors z.

    The variance of one probe is 2 Σ_{i≠j} H_ij²: a diagonal matrix is exact, with error 0.

    Args:
        product: Function v ↦ H v for vectors (size,).
        size: Side d of the matrix.
        probes: Number of sign vectors, at least 2.
        generator: CPU stream of the signs.
        dtype: Floating type of the vectors.
        device: Where the vectors live.

    Returns:
        The trace and its standard error.

    Raises:
        InputError: If `size` is below 1, `probes` below 2, `dtype` no floating type, or a product
            not finite.

    Source:
        Hutchinson 1990, A stochastic estimator of the trace of the influence matrix.

    Example:
        >>> from somite.core.random import stream
        >>> diagonal = torch.tensor([4.0, 1.0, -2.0])
        >>> trace(lambda v: diagonal * v, 3, 5, stream("example"), torch.float32)
        Estimate(value=3.0, error=0.0)
    """
    at_least("size", size, 1)
    at_least("probes", probes, 2)
    require_float(dtype)
    terms = []
    for _ in range(probes):
        signs = torch.randint(0, 2, (size,), generator=generator).mul_(2).sub_(1)
        signs = signs.to(dtype=dtype, device=device)
        terms.append(signs.dot(finite_product(product, signs)).cpu().double())
    return Estimate(*_mean(torch.stack(terms)))


def effective_dimension(
    spectra: Sequence[Spectrum], n_beta: float, localization: float
) -> Dimension:
    """Half the effective dimension, ½ tr n_beta·H (n_beta·H + localization)⁻¹.

    Computed as the mean over runs of (d/2) Σ_k weight_k n_beta·θ_k / (n_beta·θ_k + localization):
    stochastic Lanczos quadrature. In a quadratic basin it is the learning coefficient at this
    n_beta and localization. Where no part is unbounded, few Lanczos steps give too much rather
    than too little. Negative Ritz values enter with their sign, and are counted.

    Args:
        spectra: Lanczos runs of one matrix from independent start vectors, at least 2.
        n_beta: Factor in front of the mean loss, whose Hessian H is.
        localization: Precision of the Gaussian around the center; must be positive, since the
            flat directions count in full without it.

    Returns:
        The estimate, its standard error over runs, and the shares of negative curvature.

    Raises:
        InputError: If there are fewer than 2 spectra, they differ in size, or `n_beta` or
            `localization` is not positive.

    Source:
        Ubaru, Chen and Saad 2017, Fast estimation of tr(f(A)) via stochastic Lanczos quadrature;
        here with start vectors uniform on the sphere.

    Example:
        >>> from somite.core.random import stream
        >>> from somite.curvature.lanczos import lanczos
        >>> generator = stream("example")
        >>> runs = [lanczos(lambda v: 3 * v, 10, 5, generator, torch.float64) for _ in range(2)]
        >>> round(effective_dimension(runs, n_beta=2.0, localization=4.0).value, 9)
        3.0
    """
    at_least("number of spectra", len(spectra), 2, "Run Lanczos from more start vectors.")
    if len(sizes := sorted({spectrum.size for spectrum in spectra})) > 1:
        raise InputError("spectra", "must be of one matrix", sizes, "Give those of one size.")
    positive("n_beta", n_beta)
    positive("localization", localization, "Give a localization above zero, such as 1.")
    halves = torch.stack([_half(spectrum, n_beta, localization) for spectrum in spectra])
    return Dimension(
        *_mean(halves),
        negative=_mean_share([_negative(spectrum) for spectrum in spectra]),
        unbounded=_mean_share([s.weights[~_bounded(s, n_beta, localization)] for s in spectra]),
    )


def _half(spectrum: Spectrum, n_beta: float, localization: float) -> Tensor:
    """One run's (d/2) Σ weight · n_beta·θ / (n_beta·θ + localization), bounded part."""
    bounded = _bounded(spectrum, n_beta, localization)
    scaled = n_beta * spectrum.values[bounded]
    ratios = scaled / (scaled + localization)
    return spectrum.size / 2 * (spectrum.weights[bounded] * ratios).sum()


def _bounded(spectrum: Spectrum, n_beta: float, localization: float) -> Tensor:
    """Which Ritz values leave a Gaussian (m,)."""
    return n_beta * spectrum.values + localization > 0


def _negative(spectrum: Spectrum) -> Tensor:
    """Weights of the Ritz values below zero by more than rounding."""
    return spectrum.weights[spectrum.values < -ROUNDING * spectrum.values.abs().max()]


def _mean_share(weights: Sequence[Tensor]) -> float:
    return float(torch.stack([part.sum() for part in weights]).mean())


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "Less than 0.1%"


def _mean(terms: Tensor) -> tuple[float, float]:
    """Mean and its standard error."""
    return float(terms.mean()), float(terms.std()) / math.sqrt(len(terms))
