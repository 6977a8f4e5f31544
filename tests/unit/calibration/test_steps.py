"""Step and burn-in from the stiffest and the softest direction."""

import math

import numpy as np
import pytest

from somite.calibration.steps import SHORT, burn_in, deficit, pace
from somite.core.errors import InputError
from somite.sampling.kernels import BAOAB, SGLD


def test_the_step_of_baoab_is_half_of_the_largest_stable_one():
    kernel = pace("BAOAB", precision=10_000, localization=100).kernel
    assert kernel == BAOAB(step_size=0.01, friction=63.0)
    assert kernel.step_size == kernel.largest_step(10_000) / 2


def test_the_step_of_sgld_has_a_bias_of_five_per_cent():
    kernel = pace("SGLD", precision=1000, localization=100).kernel
    assert kernel == SGLD(step_size=2e-4)
    assert kernel.variance(1000) * 1000 == pytest.approx(1 / (1 - 0.05))


def test_a_smaller_step_goes_with_the_square_in_baoab():
    assert pace("BAOAB", 10_000, 100, shrink=0.25).kernel.step_size == 0.005
    assert pace("SGLD", 1000, 100, shrink=0.25).kernel.step_size == 5e-5


def test_the_burn_in_of_sgld_is_the_time_of_its_softest_direction():
    kernel, steps = SGLD(2e-4), pace("SGLD", 1000, 100).burn_in
    exact = math.log(SHORT) / 2 / math.log(1 - kernel.step_size * 100 / 2)
    assert exact <= steps <= 1.03 * exact


@pytest.mark.parametrize("localization", [1.0, 100.0, 3000.0])
def test_the_burn_in_of_baoab_is_long_enough_and_no_longer(localization):
    found = pace("BAOAB", 10_000, localization)
    precisions = np.geomspace(localization, 10_000, 50)
    assert deficit(found.kernel, precisions, found.burn_in) < 2 * SHORT
    assert found.burn_in == 10 or deficit(found.kernel, precisions, found.burn_in // 2) > SHORT


@pytest.mark.parametrize("kernel", [BAOAB(0.1, 4.0), SGLD(0.02)])
def test_the_deficit_is_that_of_a_simulated_chain(kernel):
    a, steps = 9.0, 5
    weight, momentum = 0.0, 0.0  # of a displaced start, whose mean decays as the deficit's root
    weight = 1.0
    for _ in range(steps):
        if isinstance(kernel, SGLD):
            weight -= kernel.step_size / 2 * a * weight
            continue
        momentum -= kernel.step_size * a * weight
        weight += kernel.step_size / 2 * momentum
        momentum *= kernel.kept
        weight += kernel.step_size / 2 * momentum
    assert deficit(kernel, np.array([a]), steps) == pytest.approx(weight**2, rel=1e-9)


def test_baoab_walks_a_soft_direction_in_the_root_of_the_steps():
    slow, fast = pace("SGLD", 10_000, 100).burn_in, pace("BAOAB", 10_000, 100).burn_in
    assert slow > 4 * fast


def test_a_direction_that_nothing_holds_ends():
    assert 10**6 <= burn_in(SGLD(1e-3), np.array([1e-12]), SHORT) <= 1.03e6


def test_another_kernel_is_refused():
    with pytest.raises(InputError, match="kernel must be a known name, got 'HMC'"):
        pace("HMC", 1.0, 1.0)
