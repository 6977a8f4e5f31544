import numpy as np
import pytest
from scipy.integrate import quad

from somite.core.errors import InputError
from somite.theory import Coefficient, monomial_coefficient, normal_crossings

# Cases that the developers of the LLC estimator test against: y = x Π w_i^p_i.
FLAT = {
    **dict.fromkeys([(0, 1)], Coefficient(1 / 2, 1)),
    (1, 1): Coefficient(1 / 2, 2),
    **dict.fromkeys([(0, 2), (1, 2)], Coefficient(1 / 4, 1)),
    (2, 2): Coefficient(1 / 4, 2),
    **dict.fromkeys([(0, 3), (1, 3), (2, 3)], Coefficient(1 / 6, 1)),
    (3, 3): Coefficient(1 / 6, 2),
}

# Settings with a prior, from the experiments of the paper, worked out by hand.
WITH_PRIOR = {
    ((1, 3), (1, 0)): Coefficient(1 / 6, 1),
    ((3, 1), (1, 1)): Coefficient(1 / 3, 1),
    ((2, 1), (2, 2)): Coefficient(3 / 4, 1),
    ((2, 3), (0, 4)): Coefficient(1 / 4, 1),
    ((1, 1), (1, 1)): Coefficient(1, 2),
    ((4, 1), (6, 3)): Coefficient(7 / 8, 1),
    ((3, 1), (3, 2)): Coefficient(2 / 3, 1),
}


@pytest.mark.parametrize("exponents", FLAT)
def test_flat_prior(exponents):
    assert monomial_coefficient(exponents) == FLAT[exponents]


@pytest.mark.parametrize(("exponents", "prior"), WITH_PRIOR)
def test_prior(exponents, prior):
    assert monomial_coefficient(exponents, prior) == WITH_PRIOR[exponents, prior]


@pytest.mark.parametrize(("k", "h"), [(1, 0), (1, 3), (2, 0), (2, 1), (3, 4)])
def test_one_weight_against_its_integral(k, h):
    """For one weight n_beta·E[K] is λ at every n_beta, as long as the prior does not end."""
    n_beta = 50.0
    moments = [
        quad(lambda w, p=p: w ** (2 * k * p + h) * np.exp(-n_beta * w ** (2 * k)), 0, 3)[0]
        for p in (0, 1)
    ]
    found = monomial_coefficient([k], [h]).value
    assert n_beta * moments[1] / moments[0] == pytest.approx(found, rel=1e-7)


@pytest.mark.parametrize(("n", "m"), [(1, 4), (3, 3), (5, 2)])
def test_product_of_two_norms(n, m):
    """‖a‖² ‖b‖²: both blown up, Jacobians of powers n − 1 and m − 1."""
    found = monomial_coefficient([1, 1], [n - 1, m - 1])
    assert found == Coefficient(min(n, m) / 2, 2 if n == m else 1)


def test_the_worst_chart_decides():
    line, origin = ([1, 0], [0, 0]), ([4, 0], [1, 0])
    assert normal_crossings([line]).value == 1 / 2
    assert normal_crossings([line, origin]) == normal_crossings([origin, line])
    assert normal_crossings([origin]) == Coefficient(1 / 4, 1)


def test_of_equal_charts_the_higher_multiplicity_counts():
    crossing = ([1, 1], [0, 0])
    assert normal_crossings([([1, 0], [0, 0]), crossing]) == Coefficient(1 / 2, 2)


@pytest.mark.parametrize(
    ("exponents", "prior", "words"),
    [
        ([0, 0], None, r"exponents must not all be zero, got \[0, 0\].*above zero"),
        ([], None, r"exponents must not all be zero"),
        ([1, -1], None, r"exponents must be a whole number of at least 0, got -1"),
        ([1.5], None, r"exponents must be a whole number of at least 0, got 1.5"),
        ([1], [-1], r"prior_exponents must be a whole number of at least 0, got -1"),
        ([1, 2], [1], r"prior_exponents must have length 2, got \[1\]"),
    ],
)
def test_bad_exponents(exponents, prior, words):
    with pytest.raises(InputError, match=words):
        monomial_coefficient(exponents, prior)


def test_no_chart():
    with pytest.raises(InputError, match="charts must hold at least one chart, got 0"):
        normal_crossings([])
