import numpy as np
import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import Duplicates, squared_error_loss
from somite.theory import quadrature_llc

X = torch.randn(16, 1, generator=stream("x"), dtype=torch.float64)
LOCALIZATION = 1.0


def loss_of(activation: str, copies: int):
    """The loss of the first copies as NumPy, the others at the center."""
    f = np.tanh if activation == "tanh" else lambda z: z
    x = X.numpy()[:, 0]

    def loss(w: np.ndarray) -> np.ndarray:
        total = sum(f(w[..., i, None] * x) for i in range(copies)) + (2 - copies) * f(x)
        return ((total / 2 - f(x)) ** 2).mean(-1) / 2

    return loss


def interaction(activation: str, n_beta: float) -> float:
    alone = quadrature_llc(loss_of(activation, 1), n_beta, LOCALIZATION, [1.0]).llc
    both = quadrature_llc(loss_of(activation, 2), n_beta, LOCALIZATION, [1.0, 1.0]).llc
    return 2 * alone - both


def gauss_newton(activation: str, n_beta: float) -> float:
    """The same from the curvature at the center: that of one copy, and twice that of both."""
    slope = 1.0 if activation == "linear" else 1 - np.tanh(X.numpy()) ** 2
    precision = n_beta * float(((slope * X.numpy() / 2) ** 2).mean())
    alone, both = precision / (precision + LOCALIZATION), 2 * precision
    return alone - both / (both + LOCALIZATION) / 2


def test_linear_copies_share_a_half_as_gauss_newton_says():
    assert interaction("linear", 100.0) == pytest.approx(gauss_newton("linear", 100.0), rel=1e-6)
    assert gauss_newton("linear", 1e6) == pytest.approx(0.5, abs=1e-4)


def test_curved_copies_share_a_quarter_where_gauss_newton_says_a_half():
    assert interaction("tanh", 3000.0) == pytest.approx(0.25, abs=0.03)
    assert gauss_newton("tanh", 3000.0) > 0.45


@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_the_model_has_the_loss_of_the_quadrature(activation):
    model = Duplicates([1.0], activation)
    data = (X, model(X).detach())
    assert squared_error_loss(model, data).abs().max() == 0
    model.copies[0].data += 0.7
    model.copies[1].data -= 0.2
    expected = loss_of(activation, 2)(np.array([1.7, 0.8]))
    found = squared_error_loss(model, data).mean()
    assert float(found.detach()) == pytest.approx(expected, rel=1e-12)


def test_what_cancels_to_first_order_is_of_fourth_order_in_the_loss():
    model = Duplicates([1.0])
    data = (X, model(X).detach())

    def at(shift: float) -> float:
        for copy, sign in zip(model.copies, (1, -1), strict=True):
            copy.data.fill_(1.0 + sign * shift)
        return float(squared_error_loss(model, data).mean().detach())

    assert at(0.02) / at(0.01) == pytest.approx(16, rel=0.01)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Duplicates([]), "center must be a vector"),
        (lambda: Duplicates([[1.0]]), "center must be a vector"),
        (lambda: Duplicates([1.0], "relu"), "activation must be a known name"),
        (lambda: Duplicates([1.0], copies=0), "copies must be a whole number of at least 1"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
