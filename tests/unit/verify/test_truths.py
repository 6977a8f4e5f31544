"""The truths that `verify` works out itself, against other ways to the same number."""

import numpy as np
import pytest
from scipy.integrate import quad

from somite.core.errors import InputError
from somite.sampling.kernels import SGLD
from somite.theory import quadrature_llc, reduced_rank_coefficient
from somite.verify.basins import (
    CURVATURES,
    LOCALIZATION,
    N_BETA,
    boxed_variance,
    even_tilts,
    sgld_covariance,
    straight,
)
from somite.verify.chain_law import sgld_llc
from somite.verify.landscapes import parabola, quartic
from somite.verify.zero_network import zero_network_llc


def test_the_law_of_a_parabola_with_minibatch_noise():
    step, tilt, n_beta = 0.2, 0.7, 3.0
    variance = SGLD(step).variance(n_beta + 1, (n_beta * tilt) ** 2)
    found = sgld_llc(parabola, n_beta, 1.0, step, half_width=6.0, tilt=tilt)
    assert found == pytest.approx(n_beta / 2 * variance, rel=1e-9)


def test_the_law_becomes_the_posterior_for_small_steps():
    exact = quadrature_llc(quartic, 30.0, 4.0, [0.0]).llc
    bias = [sgld_llc(quartic, 30.0, 4.0, step, 1.2) - exact for step in (0.004, 0.002, 0.001)]
    assert bias[0] > 0.02 * exact
    assert np.diff(np.log2(bias)) == pytest.approx([-1, -1], abs=0.1)


def test_a_grid_that_is_too_small_or_too_large():
    with pytest.raises(InputError, match=r"half_width must hold the mass, got '0.8 with"):
        sgld_llc(quartic, 30.0, 4.0, 0.01, half_width=0.8)
    with pytest.raises(InputError, match="half_width must be a range that a step does not leave"):
        sgld_llc(quartic, 30.0, 4.0, 0.02, half_width=3.0)


@pytest.mark.parametrize("widths", [(3, 1, 4), (3, 2, 3), (4, 2, 6)])
def test_the_zero_network_cools_to_its_coefficient(widths):
    cold = zero_network_llc(widths, 1e8, 1.0)
    assert cold == pytest.approx(reduced_rank_coefficient(*widths, rank=0).value, abs=1e-3)


@pytest.mark.parametrize("widths", [(3, 1, 4), (2, 2, 3), (4, 2, 1)])
def test_the_zero_network_against_weighted_draws_of_the_prior(widths):
    inputs, hidden, outputs = widths
    strength, localization = 4.0, 2.0
    drawn = np.random.default_rng(0).standard_normal((20, 5000, hidden, inputs))
    values = np.linalg.svd(drawn / localization**0.5, compute_uv=False)
    bent = localization + 2 * strength * values**2
    weight = np.prod((bent / localization) ** (-outputs / 2), -1)
    active = outputs / 2 * (1 - localization / bent).sum(-1)
    by_group = (weight * active).mean(1) / weight.mean(1)
    error = by_group.std(ddof=1) / len(by_group) ** 0.5
    exact = zero_network_llc(widths, strength, localization)
    assert error < 0.005 * exact
    assert abs(by_group.mean() - exact) < 4 * error


def test_the_variance_in_a_box():
    precision, box = 3.0, 0.8
    mass, _ = quad(lambda w: np.exp(-precision * w**2 / 2), -box, box)
    square, _ = quad(lambda w: w**2 * np.exp(-precision * w**2 / 2), -box, box)
    assert boxed_variance(np.array([precision]), box)[0] == pytest.approx(square / mass)


def test_tilts_are_even_and_uncorrelated():
    tilts = even_tilts(24, 0.5).numpy()
    assert (tilts.mean(0) == 0).all()
    np.testing.assert_array_equal(tilts.T @ tilts / len(tilts), 0.25 * np.eye(24))


def test_the_covariance_is_that_of_the_kernel_along_the_axes():
    covariance = sgld_covariance(straight(CURVATURES), 0.04, 25.0)
    expected = [SGLD(0.04).variance(N_BETA * h + LOCALIZATION, 25.0) for h in CURVATURES]
    np.testing.assert_allclose(covariance, np.diag(expected), atol=1e-12)
