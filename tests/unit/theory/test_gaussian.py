import numpy as np
import pytest

from somite.core.errors import InputError
from somite.theory import (
    gaussian_asymptote,
    gaussian_covariance,
    gaussian_llc,
    gaussian_mean,
    stationary_covariance,
)

HESSIAN = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, -0.3], [0.0, -0.3, 0.7]])
SLOPE = np.array([0.3, -0.2, 0.5])


def test_known_sum():
    h = np.array([0, 0.01, 0.1, 1, 3])
    expected = sum(30 * x / (30 * x + 5) for x in h) / 2
    assert gaussian_llc(h, 30.0, 5.0) == pytest.approx(expected, rel=1e-14)
    assert gaussian_llc(h, 30.0, 5.0) == pytest.approx(1.118, abs=1e-3)


def test_asymptote_is_half_the_rank():
    h = [0.0, 1e-3, 2.0, 5.0]
    assert gaussian_asymptote(h) == 1.5
    assert gaussian_llc(h, 1e9, 1.0) == pytest.approx(1.5, rel=1e-5)
    assert gaussian_llc(h, 10.0, 0.0) == 1.5
    assert gaussian_asymptote([]) == 0.0


def test_slope_against_expectation_of_the_quadratic():
    """E[L] − L(w*) = g·μ + ½ μᵀHμ + ½ tr(HΣ), in any basis."""
    n_beta, localization = 20.0, 3.0
    covariance = gaussian_covariance(HESSIAN, n_beta, localization)
    mean = gaussian_mean(HESSIAN, SLOPE, n_beta, localization)
    excess = SLOPE @ mean + mean @ HESSIAN @ mean / 2 + np.trace(HESSIAN @ covariance) / 2
    values, vectors = np.linalg.eigh(HESSIAN)
    found = gaussian_llc(values, n_beta, localization, gradient=vectors.T @ SLOPE)
    assert found == pytest.approx(n_beta * excess, rel=1e-12)
    assert found < gaussian_llc(values, n_beta, localization)


def test_mean_and_covariance_are_those_of_the_density():
    """The slope of the log density vanishes at the mean; its curvature is the precision."""
    n_beta, localization = 20.0, 3.0
    mean = gaussian_mean(HESSIAN, SLOPE, n_beta, localization)
    drift = n_beta * (SLOPE + HESSIAN @ mean) + localization * mean
    np.testing.assert_allclose(drift, 0, atol=1e-12)
    precision = n_beta * HESSIAN + localization * np.eye(3)
    found = gaussian_covariance(HESSIAN, n_beta, localization) @ precision
    np.testing.assert_allclose(found, np.eye(3), atol=1e-12)


def test_falling_directions_are_held_by_localization():
    assert gaussian_llc([-0.1], 10.0, 3.0) == pytest.approx(-0.5 * 1 / 2)
    assert gaussian_llc([0.0], 10.0, 5.0, gradient=[1.0]) == pytest.approx(-10 * 10 / 5)


def test_without_any_loss_there_is_nothing_to_find():
    assert gaussian_llc([1.0, -1.0], 0.0, 1.0) == 0.0


@pytest.mark.parametrize("step_size", [0.01, 0.1])
def test_stationary_covariance_of_langevin_steps(step_size):
    """SGLD with full gradients: variance 1/(a (1 − ε a/4)) along each eigenvector."""
    precision = 5 * HESSIAN + np.eye(3)
    found = stationary_covariance(np.eye(3) - step_size / 2 * precision, step_size * np.eye(3))
    a, vectors = np.linalg.eigh(precision)
    expected = vectors @ np.diag(1 / (a * (1 - step_size * a / 4))) @ vectors.T
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_stationary_covariance_of_a_rotating_recursion():
    transition, noise = np.array([[0.5, 0.6], [-0.4, 0.7]]), np.array([[1.0, 0.2], [0.2, 0.5]])
    found = stationary_covariance(transition, noise)
    np.testing.assert_allclose(found, transition @ found @ transition.T + noise, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gaussian_llc([1.0], -1.0), "n_beta must be zero or more, got -1.0"),
        (lambda: gaussian_llc([1.0], 1.0, -1.0), "localization must be zero or more, got -1.0"),
        (lambda: gaussian_llc([-1.0], 2.0, 1.0), "a precision of -1.0.*Raise localization"),
        (lambda: gaussian_llc([0.0], 2.0, 0.0, [1.0]), "localization must exceed"),
        (lambda: gaussian_llc([1.0], 2.0, 0.0, [1.0, 2.0]), "must be vectors of one length"),
        (lambda: gaussian_llc(np.eye(2), 2.0), "must be vectors of one length"),
        (lambda: gaussian_llc([np.nan], 2.0), "curvatures and gradient must be finite"),
        (lambda: gaussian_covariance(np.ones((2, 3)), 1.0), "hessian must be a square matrix"),
        (lambda: gaussian_covariance([[1, 2], [0, 1]], 1.0), "hessian must be symmetric"),
        (lambda: gaussian_covariance([[0.0]], 1.0), "localization must make n_beta·H"),
        (lambda: gaussian_mean([[-1.0]], [1.0], 2.0, 1.0), "localization must make n_beta·H"),
        (lambda: stationary_covariance([[1.0]], [[1.0]]), "must have all eigenvalues inside"),
        (lambda: stationary_covariance([[0.5]], np.eye(2)), r"must have the shape \(1, 1\)"),
        (lambda: stationary_covariance([0.5], [[1.0]]), "transition must be a square matrix"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
