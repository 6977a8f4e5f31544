"""Against Hessians by automatic differentiation, where they are the Gauss-Newton matrix."""

import sys

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

import somite as so
from somite.core.errors import InputError
from somite.core.random import stream
from somite.curvature import block_dimensions, gauss_newton, gauss_newton_product
from somite.theory import gaussian_truth


class Net(nn.Module):
    """Two layers of random weights."""

    def __init__(self) -> None:
        super().__init__()
        drawn = {"first": (3, 2), "second": (2, 3)}
        for name, shape in drawn.items():
            weight = torch.randn(shape, generator=stream("net", name), dtype=torch.float64)
            setattr(self, name, nn.Parameter(weight))

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.first.T) @ self.second.T


DATA = torch.randn(7, 2, generator=stream("inputs"), dtype=torch.float64)
ROWS = torch.zeros(3, 2, dtype=torch.bool)
ROWS[0] = True
BLOCKS = {
    "unit": so.Mask({"first": ROWS, "second": ROWS.T}),
    "rest": so.Mask({"first": ~ROWS, "second": ~ROWS.T}),
}


def outputs(model: nn.Module, data: Tensor) -> Tensor:
    return model(data)


def hessian(loss) -> Tensor:
    """Of a loss of the outputs, over first and second, both flat."""
    net = Net()
    start = torch.cat([net.first.detach().flatten(), net.second.detach().flatten()])

    def of(flat: Tensor) -> Tensor:
        weights = {"first": flat[:6].view(3, 2), "second": flat[6:].view(2, 3)}
        return loss(torch.func.functional_call(net, weights, (DATA,)))

    return torch.autograd.functional.hessian(of, start)


def test_at_an_exact_fit_it_is_the_hessian_of_squared_errors():
    truth = Net()(DATA).detach()
    exact = hessian(lambda found: ((found - truth) ** 2).sum(1).mean())
    found = gauss_newton(Net(), outputs, DATA, BLOCKS)
    np.testing.assert_allclose(found.matrix, exact, atol=1e-12)
    half = gauss_newton(Net(), outputs, DATA, BLOCKS, factor=0.5)
    np.testing.assert_allclose(half.matrix, exact / 2, atol=1e-12)


def test_for_logits_it_is_the_hessian_of_the_expected_cross_entropy():
    chances = Net()(DATA).detach().softmax(-1)
    exact = hessian(lambda found: cross_entropy(found, chances))
    found = gauss_newton(Net(), outputs, DATA, BLOCKS, kind="logits")
    np.testing.assert_allclose(found.matrix, exact, atol=1e-12)


def test_blocks_know_their_places():
    found = gauss_newton(Net(), outputs, DATA, BLOCKS)
    assert found.places == {"unit": [0, 1, 6, 9], "rest": [2, 3, 4, 5, 7, 8, 10, 11]}
    part = gauss_newton(Net(), outputs, DATA, {"unit": BLOCKS["unit"]})
    inside = np.ix_(found.places["unit"], found.places["unit"])
    np.testing.assert_allclose(part.matrix, found.matrix.numpy()[inside], atol=1e-12)


def test_all_axes_but_the_last_are_examples():
    rows = DATA[:6].view(3, 2, 2)
    flat, stacked = (gauss_newton(Net(), outputs, d, BLOCKS).matrix for d in (DATA[:6], rows))
    np.testing.assert_allclose(flat, stacked, atol=1e-12)


@pytest.mark.parametrize("kind", ["squared", "logits"])
def test_products_are_those_of_the_matrix(kind):
    matrix = gauss_newton(Net(), outputs, DATA, BLOCKS, kind=kind).matrix
    found = gauss_newton_product(Net(), outputs, DATA, BLOCKS, kind=kind)
    columns = [found.product(row) for row in torch.eye(found.size, dtype=torch.float64)]
    np.testing.assert_allclose(torch.stack(columns), matrix, atol=1e-12)


@pytest.mark.parametrize("kind", ["squared", "logits"])
def test_a_model_with_gradients_needs_no_detaching(kind):
    """The biases are in no block and keep their gradients."""
    model = nn.Linear(2, 3).double()
    found = gauss_newton(
        model, outputs, DATA, {"A": so.Mask({"weight": torch.ones(3, 2, dtype=bool)})}, kind
    )
    assert not found.matrix.requires_grad
    assert found.coupling(10.0, 1.0).llc.item() > 0


def test_coupling_is_closed_form_on_its_matrix():
    found = gauss_newton(Net(), outputs, DATA, BLOCKS)
    exact = gaussian_truth(found.matrix.numpy(), found.places, 100.0, 2.0)
    assert found.coupling(100.0, 2.0).equals(exact)
    assert float(exact.total_coupling) > 0.1


def test_from_products_alone_within_four_errors():
    found = gauss_newton_product(Net(), outputs, DATA, BLOCKS)
    exact = gauss_newton(Net(), outputs, DATA, BLOCKS).coupling(100.0, 2.0)
    table = block_dimensions(found.product, found.places, 100.0, 2.0, stream("probes"), probes=200)
    for name in ("llc", "share", "coupling", "llc_full", "total_coupling"):
        away = abs(table[name] - exact[name])
        assert (away <= 4 * table[f"{name}_error"]).all(), name
        assert (table[f"{name}_error"] > 0).all(), name
    pair = {"component": "unit", "other": "rest"}
    away = abs(table.interaction - exact.interaction).sel(pair)
    assert away <= 4 * table.interaction_error.sel(pair)
    apart = table.llc_error.values @ table.llc_error.values + table.llc_full_error**2
    assert float(table.total_coupling_error) != pytest.approx(float(apart) ** 0.5, rel=0.05)


def test_two_copies_of_one_network_share_all_their_directions_to_second_order():
    class Copied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.u, self.v = (nn.Parameter(torch.tensor([0.8], dtype=torch.float64)) for _ in "uv")

        def forward(self, x: Tensor) -> Tensor:
            return (torch.tanh(x * self.u) + torch.tanh(x * self.v)) / 2

    one = torch.ones(1, dtype=torch.bool)
    blocks = {"u": so.Mask({"u": one}), "v": so.Mask({"v": one})}
    table = gauss_newton(Copied(), outputs, DATA[:, :1], blocks).coupling(1e4, 1.0)
    assert float(table.total_coupling) == pytest.approx(0.5, abs=2e-3)  # the truth is near 1/4


def test_bad_input_is_named(monkeypatch):
    with pytest.raises(InputError, match=r"kind must be a known name, got 'logit'\. Did"):
        gauss_newton(Net(), outputs, DATA, BLOCKS, kind="logit")
    with pytest.raises(InputError, match="kind must be a known name"):
        gauss_newton_product(Net(), outputs, DATA, BLOCKS, kind="logit")
    with pytest.raises(InputError, match="factor must be positive"):
        gauss_newton(Net(), outputs, DATA, BLOCKS, factor=0.0)
    with pytest.raises(InputError, match="outputs must give finite numbers"):
        gauss_newton(Net(), lambda model, x: model(x)[:, 0], DATA, BLOCKS)
    with pytest.raises(InputError, match="outputs must give finite numbers"):
        gauss_newton(Net(), lambda model, x: model(x) / 0, DATA, BLOCKS)
    twice = BLOCKS | {"again": BLOCKS["unit"]}
    with pytest.raises(InputError, match="components unit and again must not share weights"):
        gauss_newton_product(Net(), outputs, DATA, twice)
    monkeypatch.setattr(sys.modules["somite.curvature.gauss_newton"], "MOST", 11)
    with pytest.raises(InputError, match=r"blocks must hold at most 11 weights, got 12\. Take"):
        gauss_newton(Net(), outputs, DATA, BLOCKS)


def test_probes_need_a_whole_and_a_system_that_is_solved():
    def down(vector: Tensor) -> Tensor:
        return torch.tensor([-3.0, 1.0], dtype=torch.float64) * vector

    generator = stream("probes")
    with pytest.raises(InputError, match="places must hold every weight once"):
        block_dimensions(down, {"A": [0], "B": [2]}, 1.0, 1.0, generator)
    with pytest.raises(InputError, match="localization must be positive"):
        block_dimensions(down, {"A": [0], "B": [1]}, 1.0, 0.0, generator)
    with pytest.raises(InputError, match="n_beta must be positive"):
        block_dimensions(down, {"A": [0], "B": [1]}, 0.0, 1.0, generator)
    with pytest.raises(InputError, match="probes must be a whole number of at least 2"):
        block_dimensions(down, {"A": [0], "B": [1]}, 1.0, 1.0, generator, probes=1)


def test_a_system_without_solution_is_refused(monkeypatch):
    monkeypatch.setattr(sys.modules["somite.curvature.block_dimensions"], "MOST_STEPS", 1)
    spread = torch.linspace(0.0, 9.0, 8, dtype=torch.float64)
    with pytest.raises(InputError, match="product must lead to a system that is solved, got '1 s"):
        block_dimensions(
            lambda v: spread * v, {"A": [*range(4)], "B": [*range(4, 8)]}, 1.0, 1.0, stream("x")
        )
