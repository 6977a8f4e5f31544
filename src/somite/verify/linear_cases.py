"""Deep linear networks and reduced rank regression, at centers whose posterior is known.

Around a smooth center the posterior is Gaussian once localization holds the weights so close that
the curvature is the same everywhere: λ depends on n_beta / γ, what is not quadratic on 1/γ alone.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from somite.core.random import stream
from somite.models.deep_linear import DeepLinear, deep_linear_loss, deep_linear_population_loss
from somite.models.deep_linear_centers import random_center
from somite.sampling.kernels import BAOAB, HMC, SGLD, SGNHT
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.target import Target
from somite.theory.deep_linear import deep_linear_coefficient
from somite.theory.deep_linear_hessian import hessian_spectrum
from somite.theory.gaussian import gaussian_llc
from somite.theory.reduced_rank import reduced_rank_coefficient
from somite.verify.case import Case, Prepare, Problem
from somite.verify.zero_network import zero_network_llc

SUBJECT = "deep linear network"
HARMONIC = "½ Σ n_beta h / (n_beta h + γ) of the exact Hessian"
LOCALIZATION = 1e5
RATIO = 100.0
"""n_beta / γ: most directions that the loss sees are nearly full."""


def harmonic(kernel: Kernel, center: list[Tensor], rejected: float | None = None) -> Problem:
    """Population loss around a smooth center, in the quadratic regime."""
    model = DeepLinear.from_weights(center)
    n_beta = RATIO * LOCALIZATION
    spectrum = hessian_spectrum(model.matrices(), model.loss_scale)
    truth = gaussian_llc(spectrum, n_beta, LOCALIZATION)
    target = Target(deep_linear_population_loss, _one_row(), n_beta, LOCALIZATION)
    return Problem(model, target, truth, rejected=rejected)


def local_value(kernel: Kernel) -> Problem:
    """5-5-5 at A = 1, B = 0: λ is 12.5 here, though 9.5 at the worst point of the same map."""
    one, zero = torch.eye(5, dtype=torch.float64), torch.zeros(5, 5, dtype=torch.float64)
    return harmonic(kernel, [one, zero], reduced_rank_coefficient(5, 5, 5, rank=0).value)


def random_network(kernel: Kernel, widths: tuple[int, ...]) -> Problem:
    """A random smooth center; the coefficient of the worst point of the same map is rejected."""
    center = random_center(widths, stream("verify", "deep linear", *widths))
    product = torch.linalg.multi_dot(center[::-1])
    rank = int(torch.linalg.matrix_rank(product))
    problem = harmonic(kernel, center)
    worst = deep_linear_coefficient(widths, rank).value
    apart = abs(worst - problem.truth) > 0.2 * problem.truth
    return replace(problem, rejected=worst if apart else None)


def on_data(kernel: Kernel) -> Problem:
    """5-5-5 on minibatches of data without label noise: their gradients vanish at the center.

    The step is so small that its bias, with that of the minibatches, is below half an error.
    """
    one, zero = torch.eye(5, dtype=torch.float64), torch.zeros(5, 5, dtype=torch.float64)
    model = DeepLinear.from_weights([one, zero])
    inputs = model.inputs(200, stream("verify", "inputs"))
    n_beta = 10 * LOCALIZATION
    covariance = (inputs.T @ inputs / len(inputs)).numpy()
    spectrum = hessian_spectrum(model.matrices(), model.loss_scale, covariance)
    target = Target(deep_linear_loss, inputs, n_beta, LOCALIZATION)
    return Problem(model, target, gaussian_llc(spectrum, n_beta, LOCALIZATION))


def zero_map(kernel: Kernel, widths: tuple[int, int, int]) -> Problem:
    """All weights zero, the most singular point; the coefficient for n_beta → ∞ is rejected."""
    n_beta, localization = 25.0, 1.0
    shapes = ((widths[1], widths[0]), (widths[2], widths[1]))
    model = DeepLinear.from_weights([torch.zeros(shape, dtype=torch.float64) for shape in shapes])
    truth = zero_network_llc(widths, n_beta, localization, model.loss_scale)
    target = Target(deep_linear_population_loss, _one_row(), n_beta, localization)
    worst = reduced_rank_coefficient(*widths, rank=0).value
    return Problem(model, target, truth, rejected=worst)


def _one_row() -> Tensor:
    return torch.zeros(1, dtype=torch.float64)


def _case(name: str, source: str, kernel: Kernel, prepare: Prepare, **settings: Any) -> Case:
    return Case(f"linear-{name}", SUBJECT, source, kernel, prepare, settings)


def _random(*widths: int) -> Prepare:
    return partial(random_network, widths=widths)


INTEGRAL = "integral over singular values"
FEW = {"burn_in": 20, "draws": 500}
LONG = {"burn_in": 1000, "draws": 2500}
CASES = (
    _case("local-value", HARMONIC, BAOAB(5e-4, 1e3), local_value),
    _case("local-value-hmc", HARMONIC, HMC(4e-4, 6), local_value, **FEW),
    _case("local-value-data", HARMONIC, SGLD(4e-8), on_data, batch_size=20, **LONG),
    _case("reduced-rank", HARMONIC, BAOAB(2e-4, 1e3), _random(6, 3, 5)),
    _case("wide", HARMONIC, BAOAB(4e-4, 1e3), _random(20, 10, 20)),
    _case("four-layers", HARMONIC, SGNHT(5e-5, 1e3), _random(4, 6, 5, 3)),
    _case("five-layers", HARMONIC, HMC(7e-5, 16), _random(6, 8, 5, 7, 8, 6), **FEW),
    _case("eight-layers", HARMONIC, BAOAB(2e-4, 1e3), _random(*[5] * 9)),
    _case("zero-3-1-4", INTEGRAL, HMC(0.12, 12), partial(zero_map, widths=(3, 1, 4)), **FEW),
    _case("zero-5-2-3", INTEGRAL, HMC(0.07, 16), partial(zero_map, widths=(5, 2, 3)), **FEW),
    _case("zero-4-2-6", INTEGRAL, BAOAB(0.05, 2.0), partial(zero_map, widths=(4, 2, 6))),
)
