import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from somite.core.errors import InputError
from somite.theory import gaussian_llc, quadrature_llc
from somite.theory.quadrature import _on_grid

HESSIAN, SLOPE = np.array([[2.0, 0.6], [0.6, 1.0]]), np.array([0.3, -0.1])


def quartic(w):
    return w[..., 0] ** 4


def crossing(w):
    return (w[..., 0] * w[..., 1]) ** 2


def tilted(w):
    return w @ SLOPE + np.einsum("...i,ij,...j->...", w, HESSIAN, w) / 2


def two_components(w):
    return (w[..., 0] - 1) ** 2 * (w**2).sum(-1) ** 4


@pytest.mark.parametrize("n_beta", [10.0, 1e4])
def test_quartic_against_the_gamma_function(n_beta):
    found = quadrature_llc(quartic, n_beta, 0.0, [0.0], half_width=5.0)
    assert found.llc == pytest.approx(1 / 4, rel=1e-7)
    assert found.loss_variance == pytest.approx(1 / 4, rel=1e-7)
    assert found.second_moment == pytest.approx(gamma(3 / 4) / gamma(1 / 4) / n_beta**0.5, rel=1e-7)


@pytest.mark.parametrize(("n_beta", "localization"), [(30.0, 5.0), (1e3, 1.0), (0.0, 2.0)])
def test_quadratic_against_its_closed_form(n_beta, localization):
    values = np.linalg.eigvalsh(HESSIAN)
    found = quadrature_llc(
        lambda w: np.einsum("...i,ij,...j->...", w, HESSIAN, w) / 2, n_beta, localization, [0, 0]
    )
    parts = n_beta * values / (n_beta * values + localization)
    assert found.llc == pytest.approx(gaussian_llc(values, n_beta, localization), rel=1e-7)
    assert found.loss_variance == pytest.approx((parts**2).sum() / 2, rel=1e-7)
    assert found.second_moment == pytest.approx((1 / (n_beta * values + localization)).sum())


def test_a_slope_at_the_center():
    values, vectors = np.linalg.eigh(HESSIAN)
    expected = gaussian_llc(values, 20.0, 5.0, gradient=vectors.T @ SLOPE)
    assert quadrature_llc(tilted, 20.0, 5.0, [0, 0]).llc == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("n_beta", "localization"), [(1000.0, 1.0), (30.0, 20.0)])
def test_crossing_lines_against_an_integral_over_one_of_them(n_beta, localization):
    """Over v the posterior of u²v² is Gaussian, with precision a(u) = γ + 2 n_beta u²."""

    def weight(u):
        return math.exp(-localization * u**2 / 2) / math.sqrt(localization + 2 * n_beta * u**2)

    def excess(u):
        return n_beta * u**2 / (localization + 2 * n_beta * u**2) * weight(u)

    far = 10 / math.sqrt(localization)
    near = [0.003 * far, 0.03 * far]
    top, bottom = (quad(f, 0, far, points=near, epsabs=1e-13)[0] for f in (excess, weight))
    found = quadrature_llc(crossing, n_beta, localization, [0.0, 0.0]).llc
    assert found == pytest.approx(top / bottom, rel=1e-7)
    assert found < 0.5  # The asymptote is reached only like 1 / log n.


@pytest.mark.parametrize("loss", [crossing, two_components])
def test_variance_of_the_loss_is_the_slope_of_the_coefficient(loss):
    """n_beta² Var K = λ − dλ / d log n_beta."""
    center, step = [1.0, 0.5], 1e-3
    low, middle, high = (
        quadrature_llc(loss, 100.0 * math.exp(s), 5.0, center, tolerance=1e-9)
        for s in (-step, 0, step)
    )
    slope = (high.llc - low.llc) / (2 * step)
    assert middle.loss_variance == pytest.approx(middle.llc - slope, rel=1e-5)


def test_the_components_of_a_loss_have_their_own_coefficients():
    """K = (w₁ − 1)² (w₁² + w₂²)⁴: near ½ on the line, nearly ¼ at the origin."""
    line = quadrature_llc(two_components, 1e4, 30.0, [1.0, 2.0]).llc
    origin = quadrature_llc(two_components, 1e9, 10.0, [0.0, 0.0], tolerance=1e-4).llc
    assert line == pytest.approx(0.5, abs=0.01)
    assert origin == pytest.approx(0.25, abs=0.01)


def test_a_coarse_grid_alone_would_be_wrong():
    """The doubling is there for a reason: 25 points miss what the final grid finds."""
    center = np.array([1.0, 0.5])
    coarse = _on_grid(two_components, 1e3, 5.0, center, 4.0, 25).llc
    assert abs(coarse - quadrature_llc(two_components, 1e3, 5.0, center).llc) > 1e-3


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_beta": -1.0}, "n_beta must be zero or more"),
        ({"localization": -1.0}, "localization must be zero or more"),
        ({"center": [0.0] * 3}, r"center must hold one or two finite numbers, got \[0.0, 0.0, 0.0"),
        ({"center": [math.nan]}, "center must hold one or two finite numbers"),
        ({"localization": 0.0}, "half_width must be given when localization is zero, got None"),
        ({"half_width": -1.0}, "half_width must be positive"),
        ({"half_width": 0.1}, r"half_width must hold the mass.*0.1 with 0.9.* at the edge.*Widen"),
        ({"points": 3}, "points must be a whole number of at least 11"),
        ({"tolerance": 0.0}, "tolerance must be positive"),
        ({"loss": lambda w: w}, r"loss must map weights .*\(201, 1\) from \(201, 1\)"),
        ({"loss": lambda w: w[..., 0] + np.nan}, "loss must map weights .*NaN or infinity"),
        ({"loss": lambda w: w[..., 0] * np.random.default_rng(len(w)).normal()}, "be resolved"),
    ],
)
def test_bad_input(changes, words):
    settings = {"loss": quartic, "n_beta": 1.0, "localization": 1.0, "center": [0.0], **changes}
    with pytest.raises(InputError, match=words):
        quadrature_llc(**settings)


def test_a_valley_without_end_needs_localization():
    with pytest.raises(InputError, match=r"half_width must hold the mass.*raise localization"):
        quadrature_llc(crossing, 100.0, 0.0, [0.0, 0.0], half_width=10.0)
