"""What bounds n_beta, each bound alone."""

import math

import pytest

from somite.calibration.scale import CENTER, MIXING, NOISE, NOISY, SAMPLES, bounds
from somite.sampling.kernels import BAOAB, SGLD
from unit.calibration.small import Drawn, basin


def cell(**numbers):
    return Drawn(basin(1), **numbers)


def kernel_at(n_beta):
    return BAOAB(0.01, 20.0)


def found(cells, n=None, kernel=kernel_at, rise=None):
    return bounds(cells, 100.0, {"0": 2.0} if rise is None else rise, kernel, n)


def test_mixing_is_a_hundred_localizations_over_the_stiffest_curvature():
    (bound,) = found([cell(curvature=4.0), cell(curvature=0.5)])
    assert (bound.n_beta, bound.cause) == (2500.0, MIXING)
    assert "stiffest curvature 4" in bound.reason


def test_sgld_walks_a_tenth_as_far():
    (bound,) = found([cell(curvature=4.0)], kernel=lambda n_beta: SGLD(1e-3))
    assert bound.n_beta == 250.0


def test_a_slope_bounds_by_the_rise():
    (bound,) = found([cell(curvature=0.0, center_gradient=0.01), cell(curvature=0.0)])
    assert bound.n_beta == pytest.approx(0.1 * 2.0 / 0.01)
    assert bound.cause == CENTER
    assert "checkpoint 0" in bound.reason


def test_a_checkpoint_without_a_basin_has_no_slope_bound():
    assert found([cell(curvature=0.0, center_gradient=0.01)], rise={}) == []


def test_a_negative_estimate_of_the_slope_bounds_nothing():
    assert found([cell(curvature=0.0, center_gradient=-0.01)]) == []


def test_noise_is_a_tenth_of_the_injected_noise():
    (bound,) = found([cell(curvature=0.0, gradient_noise=0.5, weights=(1.0, 1.0))])
    ratio = kernel_at(1.0).noise_ratio(bound.n_beta**2 * 0.25)
    assert bound.cause == NOISY
    assert 0.8 * NOISE < ratio <= NOISE


def test_the_number_of_samples_bounds():
    (bound,) = found([cell(curvature=0.0)], n=1000)
    assert bound.n_beta == 1000 / math.log(1000)
    assert bound.cause == SAMPLES


def test_the_tightest_comes_first():
    several = found([cell(curvature=4.0, center_gradient=0.01, gradient_noise=1e-9)], n=1000)
    assert [b.n_beta for b in several] == sorted(b.n_beta for b in several)
    assert several[0].cause == CENTER
    assert len(several) == 4


def test_nothing_bounds_a_level_loss():
    assert found([cell(curvature=0.0)]) == []
