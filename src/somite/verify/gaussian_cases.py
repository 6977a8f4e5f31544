"""Quadratic basins: every kernel against its own stationary law, or against the posterior."""

import math
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from somite.components.mask import Mask
from somite.core.random import stream
from somite.estimators import wbic
from somite.sampling.kernels import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, RMSpropSGLD
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.kernels.sgld import overdamped_variance
from somite.sampling.target import Target
from somite.theory.gaussian import gaussian_llc
from somite.verify.basins import (
    CURVATURES,
    DIRECTIONS,
    LOCALIZATION,
    N_BETA,
    Basin,
    Regression,
    basin_loss,
    boxed_variance,
    even_tilts,
    flat,
    half_trace,
    log_loss,
    sgld_covariance,
    straight,
    turned,
)
from somite.verify.case import Case, Prepare, Problem, squared_distance

SUBJECT = "Gaussian"
POSTERIOR = "½ Σ n_beta h / (n_beta h + γ)"
OWN_LAW = "stationary law of the kernel"
TILT = 0.5
"""Minibatches of one tilt of this size: n_beta times their gradient has the variance 25."""
OUTWEIGHED = 1e3
"""An offset beside which all gradients are small: every preconditioned step is ε / offset."""
EXACT = gaussian_llc(CURVATURES, N_BETA, LOCALIZATION)


def posterior(kernel: Kernel) -> Problem:
    """Full gradients, and the posterior is the truth."""
    return Problem(
        Basin(turned(CURVATURES)), Target(basin_loss, flat(), N_BETA, LOCALIZATION), EXACT
    )


def sgld_law(kernel: Kernel, tilt: float = 0.0, corrected: bool = False) -> Problem:
    """SGLD's own law, with or without minibatch noise; the other one is rejected."""
    hessian = turned(CURVATURES)
    quiet, noisy = (
        half_trace(hessian, sgld_covariance(hessian, kernel.step_size, variance))
        for variance in (0.0, (N_BETA * tilt) ** 2)
    )
    data = even_tilts(DIRECTIONS, tilt) if tilt else flat()
    target = Target(basin_loss, data, N_BETA, LOCALIZATION)
    truth = quiet if corrected else noisy
    rejected = noisy if corrected else quiet if tilt else EXACT
    return Problem(Basin(hessian), target, truth, rejected=rejected)


def kernel_law(kernel: Kernel, tilt: float = 0.0) -> Problem:
    """Curvatures along the axes, the variance of each as the kernel states it."""
    precision = N_BETA * CURVATURES + LOCALIZATION
    variance = [kernel.variance(a, (N_BETA * tilt) ** 2) for a in precision]
    truth = N_BETA / 2 * float(CURVATURES @ np.array(variance))
    rejected = EXACT if tilt else None
    return Problem(_straight_basin(), _tilted(tilt), truth, rejected=rejected)


def frozen_law(kernel: RMSpropSGLD, tilt: float = 0.0) -> Problem:
    """RMSprop whose steps are all ε / offset: SGLD at that step."""
    step = SGLD(kernel.step_size / kernel.offset)
    return replace(kernel_law(step, tilt), rejected=kernel_law(step).truth if tilt else EXACT)


def adam_law(kernel: AdamSGLD, tilt: float = 0.0) -> Problem:
    """Adam whose steps are all ε / offset; its averaged gradient lags behind the weights."""
    step = kernel.step_size / kernel.offset
    noise = (N_BETA * tilt) ** 2
    variance = [kernel.lagged_variance(N_BETA * h, LOCALIZATION, noise, step) for h in CURVATURES]
    truth = N_BETA / 2 * float(CURVATURES @ np.array(variance))
    return Problem(_straight_basin(), _tilted(tilt), truth, rejected=EXACT)


def noisy_posterior(kernel: SGNHT) -> Problem:
    """Minibatch noise that a thermostat must take up; a fixed friction would not."""
    fixed = kernel_law(BAOAB(kernel.step_size, kernel.friction), TILT)
    return Problem(fixed.model, fixed.target, EXACT, rejected=fixed.truth)


def off_minimum(kernel: Kernel) -> Problem:
    """A center on a slope: the estimate is negative."""
    slope = np.full(DIRECTIONS, 0.2)
    truth = gaussian_llc(CURVATURES, N_BETA, LOCALIZATION, slope)
    model = Basin(straight(CURVATURES), torch.from_numpy(slope))
    return Problem(model, Target(basin_loss, flat(), N_BETA, LOCALIZATION), truth)


def component(kernel: Kernel) -> Problem:
    """Half of the directions move; the others stay, coupled or not."""
    moved = torch.arange(DIRECTIONS) < DIRECTIONS // 2
    hessian = turned(CURVATURES)
    block = hessian[moved][:, moved]
    truth = half_trace(block, sgld_covariance(block, kernel.step_size))
    target = Target(basin_loss, flat(), N_BETA, LOCALIZATION)
    masks = {"half": Mask({"w": moved})}
    return Problem(Basin(hessian), target, truth, components=masks)


def decayed(kernel: Kernel) -> Problem:
    """Weight decay pulls away from the center."""
    decay, center = 3.0, torch.ones(DIRECTIONS, dtype=torch.float64)
    precision = N_BETA * CURVATURES + LOCALIZATION + decay
    shift = -decay / precision
    truth = N_BETA / 2 * float(CURVATURES @ (1 / precision + shift**2))
    model = Basin(straight(CURVATURES), center=center)
    target = Target(basin_loss, flat(), N_BETA, LOCALIZATION, weight_decay=decay)
    return Problem(model, target, truth, rejected=EXACT)


def boxed(kernel: Kernel) -> Problem:
    """A bounding box and no localization: normal laws that are cut off."""
    curvatures, box = CURVATURES[::3], 1.0
    variance = boxed_variance(N_BETA * curvatures, box)
    target = Target(basin_loss, flat(len(curvatures)), N_BETA, bounding_box=box)
    truth = N_BETA / 2 * float(curvatures @ variance)
    return Problem(Basin(straight(curvatures)), target, truth, rejected=len(curvatures) / 2)


def no_loss(kernel: Kernel) -> Problem:
    """n_beta = 0: the chain knows nothing of the loss, and ‖w − w*‖² has a closed form."""
    target = Target(basin_loss, even_tilts(DIRECTIONS, 30.0), 0.0, LOCALIZATION)
    return Problem(_straight_basin(), target, DIRECTIONS * kernel.variance(LOCALIZATION))


def single_precision(kernel: Kernel) -> Problem:
    """The same basin in single precision."""
    problem = sgld_law(kernel)
    target = Target(basin_loss, flat().float(), N_BETA, LOCALIZATION)
    return Problem(problem.model.float(), target, problem.truth, rejected=EXACT)


def likelihood(kernel: Kernel) -> Problem:
    """Linear regression with a Gaussian prior, at n_beta = n / log n; β = 1 is rejected."""
    samples, size = 100, 8
    drawn = torch.randn(samples, size + 1, generator=stream("verify", "regression"))
    inputs, outputs = drawn[:, :size].double(), drawn[:, size].double()
    best = torch.linalg.lstsq(inputs, outputs[:, None]).solution[:, 0]
    model = Regression(best)
    n_beta = samples / math.log(samples)
    target = Target(log_loss, (inputs, outputs), n_beta, LOCALIZATION, n=samples)
    curvatures = torch.linalg.eigvalsh(inputs.T @ inputs / samples).numpy()
    with torch.no_grad():
        least = float(log_loss(model, (inputs, outputs)).sum())
    cold, warm = (gaussian_llc(curvatures, b, LOCALIZATION) for b in (samples, n_beta))
    return Problem(model, target, least + warm * math.log(samples), rejected=least + cold)


def information_criterion(draws: xr.Dataset) -> tuple[float, float]:
    """WBIC and its error."""
    table = wbic(draws)
    return table.wbic.item(), table.wbic_mcse.item()


def learned_steps(kernel: RMSpropSGLD) -> Problem:
    """Curvatures over four decades: RMSprop takes another step for each, from E[g²] = h²·variance.

    The learned E[g²] is itself an average of a hundred steps, which changes the small bias of the
    step by a small part of it.
    """
    curvatures = np.geomspace(0.01, 100.0, DIRECTIONS)
    precision = N_BETA * curvatures + LOCALIZATION
    steps = kernel.step_size / (curvatures / precision**0.5 + kernel.offset)
    pairs = zip(steps, precision, strict=True)
    variance = np.array([overdamped_variance(step, a) for step, a in pairs])
    truth = N_BETA / 2 * float(curvatures @ variance)
    target = Target(basin_loss, flat(), N_BETA, LOCALIZATION)
    return Problem(Basin(straight(curvatures)), target, truth)


def _straight_basin() -> Basin:
    return Basin(straight(CURVATURES))


def _tilted(tilt: float) -> Target:
    data = even_tilts(DIRECTIONS, tilt) if tilt else flat()
    return Target(basin_loss, data, N_BETA, LOCALIZATION)


def _case(name: str, source: str, kernel: Kernel, prepare: Prepare, **settings: Any) -> Case:
    return Case(f"gaussian-{name}", SUBJECT, source, kernel, prepare, settings)


ONE: dict[str, Any] = {"batch_size": 1}
FEW: dict[str, Any] = {"burn_in": 20, "draws": 400}
LEARN: dict[str, Any] = {"burn_in": 300}
RMSPROP = RMSpropSGLD(0.04 * OUTWEIGHED, offset=OUTWEIGHED)
ADAM = AdamSGLD(0.01 * OUTWEIGHED, offset=OUTWEIGHED)
CASES = (
    _case("sgld", OWN_LAW, SGLD(0.04), sgld_law),
    _case("sgld-noise", OWN_LAW, SGLD(0.04), partial(sgld_law, tilt=TILT), **ONE),
    _case(
        "sgld-corrected",
        OWN_LAW,
        SGLD(0.04),
        partial(sgld_law, tilt=TILT, corrected=True),
        control_variates=True,
        **ONE,
    ),
    _case("sgld-component", OWN_LAW, SGLD(0.04), component),
    _case("sgld-single", OWN_LAW, SGLD(0.04), single_precision),
    replace(_case("sgld-no-loss", "d·variance(γ)", SGLD(0.2), no_loss), measure=squared_distance),
    _case("rmsprop", OWN_LAW, RMSPROP, frozen_law, **LEARN),
    _case("rmsprop-noise", OWN_LAW, RMSPROP, partial(frozen_law, tilt=TILT), **LEARN, **ONE),
    _case("rmsprop-stiff", OWN_LAW, RMSpropSGLD(1e-3), learned_steps, burn_in=1500, draws=3000),
    _case("adam", OWN_LAW, ADAM, adam_law, **LEARN),
    _case("adam-noise", OWN_LAW, ADAM, partial(adam_law, tilt=TILT), **LEARN, **ONE),
    _case("baoab", POSTERIOR, BAOAB(0.2, 3.0), posterior),
    _case("baoab-noise", OWN_LAW, BAOAB(0.2, 3.0), partial(kernel_law, tilt=TILT), **ONE),
    _case("baoab-decay", POSTERIOR, BAOAB(0.2, 3.0), decayed),
    _case("sgnht", POSTERIOR, SGNHT(0.1, 3.0), posterior),
    _case("sgnht-noise", POSTERIOR, SGNHT(0.1, 3.0), noisy_posterior, **ONE),
    _case("mala", POSTERIOR, MALA(0.05), posterior),
    _case("mala-box", "truncated normal laws", MALA(0.02), boxed, draws=2500),
    _case("hmc", POSTERIOR, HMC(0.17, 12), posterior, **FEW),
    _case("hmc-off-minimum", POSTERIOR, HMC(0.17, 12), off_minimum, **FEW),
    replace(
        _case("hmc-wbic", "conjugate posterior", HMC(0.2, 4), likelihood),
        measure=information_criterion,
    ),
)
