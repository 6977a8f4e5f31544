import pytest
import torch

from somite.core.errors import InputError
from somite.theory import (
    KNOWN_COEFFICIENTS,
    PUBLISHED_ESTIMATES,
    critical_n,
    kgon,
    population_loss,
    prior_term,
    transition_n,
)

OPTIMA = {
    4: (1.0, 0.0),
    5: (1.17046, -0.28230),
    6: (1.32053, -0.61814),
    7: (1.44839, -0.96691),
    8: (1.55045, -1.29119),
}
# c = 6: (k, positive biases): loss, prior term.
LEVELS = {
    (4, 0): (1 / 9, 2.0),
    (4, 1): (0.104167, 2.00347),
    (4, 2): (0.097222, 2.00694),
    (5, 0): (0.068744, 3.62417),
    (5, 1): (0.061799, 3.62764),
    (6, 0): (0.048192, 6.37764),
}


@pytest.mark.parametrize("k", OPTIMA)
def test_published_optima(k):
    weights, bias = kgon(k, columns=8)
    assert (float(weights[0, 0]), float(bias[0])) == pytest.approx(OPTIMA[k], abs=6e-6)


@pytest.mark.parametrize(("k", "positive"), LEVELS)
def test_published_levels(k, positive):
    loss, prior = LEVELS[k, positive]
    assert float(population_loss(*kgon(k, 6, positive))) == pytest.approx(loss, abs=6e-7)
    assert prior_term(k, 6, positive) == pytest.approx(prior, abs=6e-6)


@pytest.mark.parametrize("columns", [6, 8])
@pytest.mark.parametrize("k", range(3, 9))
def test_they_are_critical_points(k, columns):
    if k > columns:
        columns = k
    for positive in range(columns - k + 1):
        point = [part.requires_grad_() for part in kgon(k, columns, positive)]
        for gradient in torch.autograd.grad(population_loss(*point), point):
            assert gradient.abs().max() < 1e-13


def test_another_length_is_no_critical_point():
    weights, bias = kgon(5, 6)
    moved = (1.001 * weights).requires_grad_()
    (gradient,) = torch.autograd.grad(population_loss(moved, bias), moved)
    assert gradient.abs().max() > 1e-5


def test_a_polygon_may_turn():
    weights, bias = kgon(5, 6, positive_biases=1)
    turn = torch.linalg.qr(torch.tensor([[1.0, 2.0], [-3.0, 1.0]], dtype=torch.float64)).Q
    torch.testing.assert_close(
        population_loss(turn @ weights, bias), population_loss(weights, bias)
    )


def test_numbers_of_samples_where_the_hexagon_takes_over():
    assert critical_n() == pytest.approx(601.007, abs=2e-3)
    gain = float(population_loss(*kgon(5, 6)) - population_loss(*kgon(6, 6)))
    assert transition_n(gain, 1.5) == pytest.approx(445.1, abs=0.05)


def test_known_numbers():
    assert dict(KNOWN_COEFFICIENTS) == {"5": 7.0, "5+": 8.5, "6": 8.5}
    assert set(PUBLISHED_ESTIMATES) == set(KNOWN_COEFFICIENTS)
    with pytest.raises(TypeError):
        KNOWN_COEFFICIENTS["5"] = 1.0


def test_known_coefficients_are_half_the_number_of_curved_directions():
    """All directions are curved but the rotation; in the 5-gon also the three of the dead unit."""
    for name, (k, positive) in {"5": (5, 0), "5+": (5, 1), "6": (6, 0)}.items():
        weights, bias = kgon(k, 6, positive)

        def loss(point):
            return population_loss(point[:12].view(2, 6), point[12:])

        point = torch.cat([weights.flatten(), bias])
        hessian = torch.autograd.functional.hessian(loss, point)
        curved = int((torch.linalg.eigvalsh(hessian) > 1e-9).sum())
        assert curved / 2 == KNOWN_COEFFICIENTS[name]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kgon(2, 6), "k must be a whole number of at least 3, got 2"),
        (lambda: kgon(9, 9), "k must be at most 8, got 9"),
        (lambda: kgon(5, 4), "columns must be a whole number of at least 5, got 4"),
        (lambda: kgon(5, 6, -1), "positive_biases must be a whole number of at least 0, got -1"),
        (lambda: kgon(5, 6, 2), "must be at most the number of unused columns, 1, got 2"),
        (lambda: prior_term(5, 4), "columns must be a whole number of at least 5"),
        (lambda: critical_n(5), "columns must be a whole number of at least 6"),
        (lambda: transition_n(0.0, 1.0), "loss_gain must be positive, got 0.0"),
        (lambda: transition_n(1.0, -1.0), "coefficient_cost must be positive, got -1.0"),
        (lambda: transition_n(1.0, 1.0, -9.0), "constant_cost must leave a range of n"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
