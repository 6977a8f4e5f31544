"""Derivatives by weights of examples: exact in a Gaussian, and n_beta times a susceptibility."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.linear_response import AXES, N_BETA, Case
from somite.core.errors import InputError
from somite.theory import gaussian_covariance, gaussian_mean, quadratic_covariance


def mean_loss(weights: np.ndarray, case: Case) -> float:
    """E[φ], φ the loss of the first example, where the examples have these weights."""
    hessian = np.tensordot(weights, case.curvatures, 1) / len(weights) + 9 * np.eye(case.size)
    slope = weights @ case.slopes / len(weights)
    sigma, mean = gaussian_covariance(hessian, 2.0), gaussian_mean(hessian, slope, 2.0)
    second = sigma + np.outer(mean, mean)
    return float(case.slopes[0] @ mean + np.trace(case.curvatures[0] @ second) / 2)


def test_the_formula_is_the_slope_of_the_expectation():
    case, even = Case(4, items=3), np.ones(4)
    direction, h = np.array([0.5, -1.0, 2.0, 0.3]), 1e-5
    slope = (mean_loss(even + h * direction, case) - mean_loss(even - h * direction, case)) / 2 / h
    hessian = case.curvatures.mean(0) + 9 * np.eye(case.size)
    sigma = gaussian_covariance(hessian, 2.0)
    mean = gaussian_mean(hessian, case.slopes.mean(0), 2.0)
    parts = [(case.slopes[0], case.curvatures[0])]
    parts += [(direction @ case.slopes, np.tensordot(direction, case.curvatures, 1))]
    assert slope == pytest.approx(-2.0 / 4 * quadratic_covariance(sigma, *parts, mean), rel=1e-6)


@pytest.fixture(scope="module")
def recorded() -> tuple[xr.Dataset, xr.DataArray]:
    """The reference is the mean over all examples."""
    case = Case(4, items=3, draws=100)
    draws = case.dataset()
    draws["probe_loss"] = draws.probe_loss.copy(data=case.losses.mean(-1)[None, None])
    return draws, xr.DataArray(case.losses[None], {"component": ["A"]}, (*AXES, "example"))


def test_it_is_the_covariance_with_the_weighted_losses(recorded):
    draws, losses = recorded
    directions = xr.DataArray(np.array([[1.0, 0, 0, -2]]), dims=("direction", "example"))
    found = so.weight_derivative(draws, losses, directions)
    mixed = (losses.values * directions.values[0]).sum(-1) / 4
    expected = -N_BETA * np.cov(losses.mean("example").values.ravel(), mixed.ravel())[0, 1]
    assert found.derivative.item() == pytest.approx(expected, rel=1e-9)
    assert found.z.item() == pytest.approx(found.derivative.item() / found.mcse.item())


def test_a_direction_that_keeps_the_sum_is_the_susceptibility(recorded):
    draws, losses = recorded
    kept = xr.DataArray(4 * np.eye(4) - 1, dims=("direction", "example"))
    found = so.weight_derivative(draws, losses, kept)
    expected = so.susceptibility(draws, losses)
    for name in ("mcse", "error_chains"):
        np.testing.assert_allclose(found[name], N_BETA * expected[name], rtol=1e-9)
    np.testing.assert_allclose(found.derivative, N_BETA * expected.susceptibility, rtol=1e-9)
    each = so.weight_derivative(draws, losses)
    assert each.derivative.dims == ("component", "example")
    together = each.derivative.sum("example").item()
    assert together == pytest.approx(-N_BETA * losses.mean("example").values.var(ddof=1), rel=1e-9)


def test_what_does_not_fit_is_refused(recorded):
    draws, losses = recorded
    with pytest.raises(InputError, match=r"losses must have the dims .*, example, got"):
        so.weight_derivative(draws, losses.isel(example=0))
    short = xr.DataArray(np.ones((1, 3)), dims=("direction", "example"))
    with pytest.raises(InputError, match=r"directions must have the dims .* and 4 examples"):
        so.weight_derivative(draws, losses, short)
    with pytest.raises(InputError, match=r"n_beta of the draws must be positive, got 0\.0"):
        so.weight_derivative(draws.assign_attrs(n_beta=0.0), losses)
