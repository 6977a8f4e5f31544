"""Every kernel has its exact stationary law: means, covariance and λ̂, with and without noise."""

import math

import numpy as np
import pytest
import torch

from laws.cases import KERNELS, ON_MINIBATCHES, named
from laws.checks import beyond
from laws.crowd import deviations, plan_for
from laws.stationary import Pull, law
from somite import BAOAB, SGLD, SGNHT, AdamSGLD, RMSpropSGLD
from somite.sampling.kernels.adam_sgld import Moments
from somite.sampling.kernels.preconditioner import SecondMoment


@named(KERNELS)
def test_law_with_full_gradients(kernel):
    assert beyond(deviations(plan_for(kernel, noisy=False), kernel)) == {}


@named(ON_MINIBATCHES)
def test_law_with_minibatch_noise(kernel):
    assert beyond(deviations(plan_for(kernel, noisy=True), kernel)) == {}


@named(ON_MINIBATCHES)
def test_the_noise_and_the_step_are_seen_by_the_law(kernel):
    state = unlearned(kernel) if kernel.preconditioned else None
    quiet, noisy = (law(kernel, alone(22.0, noise=s), state)[0, 0] for s in (0.0, 50.0))
    if isinstance(kernel, SGNHT):
        assert noisy < 0.97 * quiet
    else:
        assert noisy > 1.2 * quiet
    assert quiet >= (1 - 1e-12) / 22


def alone(precision: float, localization: float = 0.0, noise: float = 0.0) -> Pull:
    """A single weight."""
    return Pull(np.array([[precision]]), localization, np.array([[noise]]))


def unlearned(kernel):
    """State of a preconditioned kernel whose gradients vanish: the largest steps."""
    quiet = SecondMoment(torch.zeros(1, dtype=torch.float64))
    return Moments(quiet.average, 0, quiet) if isinstance(kernel, AdamSGLD) else quiet


@named([SGLD(0.3), BAOAB(0.5, 3.0), BAOAB(0.5, math.inf), RMSpropSGLD(0.03), AdamSGLD(0.03)])
@pytest.mark.parametrize("noise", [0.0, 7.0])
def test_the_variance_a_kernel_states_is_its_law(kernel, noise):
    precision = 0.3 * kernel.highest_precision
    exact = law(kernel, alone(precision, noise=noise), unlearned(kernel))[0, 0]
    assert kernel.variance(precision, noise) == pytest.approx(exact, rel=1e-10)


@named([SGLD(1e-3), RMSpropSGLD(1e-4), BAOAB(1e-2, 3.0), BAOAB(0.03, math.inf), SGNHT(0.01, 3.0)])
def test_gradient_noise_heats_by_its_ratio(kernel):
    warm = kernel.noise_ratio(50.0)
    assert 0.01 < warm < 0.2
    if not isinstance(kernel, SGNHT):
        assert kernel.variance(1.0, 50.0) == pytest.approx(1 + warm, rel=2e-3)
    else:  # its thermostat takes up what heats the same dynamics at a fixed friction
        twin = BAOAB(kernel.step_size, kernel.friction)
        assert twin.noise_ratio(50.0) == pytest.approx(warm, rel=1e-3)
        assert law(kernel, alone(1.0, noise=50.0), None)[0, 0] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
def test_the_lag_of_adam_biases_as_its_docstring_says(momentum):
    kernel, step, noise = AdamSGLD(1e-4, momentum), 1e-3, 40.0
    expected = 1 + step / 4 * (1 + momentum) / (1 - momentum) + step * noise / 4
    assert kernel.lagged_variance(1.0, 0.0, noise, step) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("precision", [0.1, 30.0, 3000.0, 3990.0])
def test_preconditioned_kernels_state_an_upper_bound(precision):
    kernel = AdamSGLD(1e-4)
    for share in (0.0, 0.3, 1.0):
        for step in (1e-5, 3e-4, 1e-3):
            parts = share * precision, (1 - share) * precision
            exact = kernel.lagged_variance(*parts, gradient_variance=9.0, step=step)
            assert exact <= kernel.variance(precision, 9.0) * (1 + 1e-12)
    assert kernel.variance(kernel.highest_precision) == math.inf


def test_the_thermostat_law_is_the_posterior_for_small_steps():
    noisy = alone(22.0, noise=50.0)
    off = [abs(law(SGNHT(h, 4.0), noisy, None)[0, 0] * 22 - 1) for h in (0.1, 0.05, 0.025)]
    assert off[0] < 0.05
    assert off[1] < off[0] / 8
    assert off[2] < off[1] / 8
    assert law(SGNHT(0.1, 4.0), alone(22.0), None)[0, 0] * 22 == pytest.approx(1, rel=1e-9)
