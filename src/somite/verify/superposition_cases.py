"""The toy model of superposition at its k-gons, with its exact population loss."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from somite.core.random import stream_seed
from somite.models.superposition import Superposition, superposition_population_loss
from somite.sampling.kernels import BAOAB, HMC
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.sample import sample
from somite.sampling.target import Target
from somite.theory.gaussian import gaussian_llc
from somite.theory.kgon import kgon
from somite.theory.superposition import population_loss
from somite.verify.case import Case, Problem, coefficient

SUBJECT = "superposition"
HARMONIC = "½ Σ n_beta h / (n_beta h + γ) of the exact Hessian"
REFERENCE = "Hamiltonian Monte Carlo in the same run"
COLUMNS = 6
LOCALIZATION = 1e5
"""Holds the weights so close that the loss is quadratic, and no switching point is crossed."""
RATIO = 100.0
"""n_beta / γ where the loss is quadratic."""
SAMPLES = 5000.0
LOOSE = 100.0
"""Localization at n_beta = 5000: the posterior is no Gaussian, but keeps to its basin."""


def harmonic(kernel: Kernel, corners: int, positive_biases: int = 0) -> Problem:
    """A k-gon in the quadratic regime."""
    weights, bias = kgon(corners, COLUMNS, positive_biases)
    n_beta = RATIO * LOCALIZATION
    truth = gaussian_llc(curvatures(weights, bias), n_beta, LOCALIZATION)
    target = Target(superposition_population_loss, _one_row(), n_beta, LOCALIZATION)
    return Problem(Superposition.from_weights(weights, bias), target, truth)


def published(kernel: Kernel, corners: int) -> Problem:
    """A k-gon at n_beta = 5000, where the loss is not quadratic: the truth is sampled too."""
    weights, bias = kgon(corners, COLUMNS)
    model = Superposition.from_weights(weights, bias)
    target = Target(superposition_population_loss, _one_row(), SAMPLES, LOOSE)
    draws = sample(
        model,
        target,
        HMC(0.012, 12),
        components="full",
        batch_size=None,
        burn_in=30,
        draws=400,
        seed=stream_seed("verify", "reference", corners),
    )
    truth, error = coefficient(draws)
    return Problem(model, target, truth, error)


def curvatures(weights: Tensor, bias: Tensor) -> np.ndarray:
    """Eigenvalues of the Hessian of the population loss."""
    cut = weights.numel()

    def loss(flat: Tensor) -> Tensor:
        return population_loss(flat[:cut].view_as(weights), flat[cut:])

    center = torch.cat([weights.flatten(), bias])
    hessian = torch.autograd.functional.hessian(loss, center)
    return np.linalg.eigvalsh(hessian.numpy())


def _one_row() -> Tensor:
    return torch.zeros(1, dtype=torch.float64)


def _case(name: str, source: str, kernel: Kernel, prepare: Any, **settings: Any) -> Case:
    return Case(f"superposition-{name}", SUBJECT, source, kernel, prepare, settings)


FEW = {"burn_in": 20, "draws": 350}
SHORTER = {"draws": 900}
CASES = (
    _case("5", HARMONIC, BAOAB(3e-4, 1e3), partial(harmonic, corners=5), **SHORTER),
    _case(
        "5+", HARMONIC, BAOAB(3e-4, 1e3), partial(harmonic, corners=5, positive_biases=1), **SHORTER
    ),
    _case("6", HARMONIC, HMC(3e-4, 10), partial(harmonic, corners=6), **FEW),
    _case("6-baoab", REFERENCE, BAOAB(8e-3, 20.0), partial(published, corners=6)),
)
