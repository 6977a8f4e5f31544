import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.functional import hessian

from somite.core.errors import InputError
from somite.core.random import stream
from somite.curvature import hessian_product, lanczos, trace

INPUTS = torch.randn(20, 3, generator=stream("inputs"), dtype=torch.float64)
LABELS = torch.arange(20) % 4
NETWORK = 0.5 * torch.randn(3 * 5 + 5 * 4, generator=stream("network"), dtype=torch.float64)


def network_loss(weights: Tensor) -> Tensor:
    first, second = weights[:15].view(3, 5), weights[15:].view(5, 4)
    return F.cross_entropy((INPUTS @ first).tanh() @ second, LABELS)


def attention_loss(weights: Tensor, fused: bool) -> Tensor:
    query, key, value = weights.view(3, 1, 1, 3, 2)
    if fused:
        mixed = F.scaled_dot_product_attention(query, key, value)
    else:
        mixed = (query @ key.mT * 2**-0.5).softmax(-1) @ value
    return mixed.pow(2).sum()


def dense(product: object, size: int) -> Tensor:
    return torch.stack([product(unit) for unit in torch.eye(size, dtype=torch.float64)])


def test_products_are_those_of_the_dense_hessian():
    found = dense(hessian_product(network_loss, NETWORK), len(NETWORK))
    torch.testing.assert_close(found, hessian(network_loss, NETWORK), rtol=1e-12, atol=1e-14)


def test_fused_attention_has_second_derivatives():
    at = torch.randn(18, generator=stream("attention"), dtype=torch.float64)
    found = dense(hessian_product(lambda w: attention_loss(w, fused=True), at), 18)
    truth = hessian(lambda w: attention_loss(w, fused=False), at)
    torch.testing.assert_close(found, truth, rtol=1e-12, atol=1e-13)


def test_lanczos_and_trace_of_a_network():
    truth = hessian(network_loss, NETWORK)
    product = hessian_product(network_loss, NETWORK)
    found = lanczos(product, len(NETWORK), 20, stream("start"), torch.float64)
    values = torch.linalg.eigvalsh(truth)
    assert found.largest == pytest.approx(float(values[-1]), rel=1e-9)
    assert found.smallest == pytest.approx(float(values[0]), rel=1e-6)
    estimate = trace(product, len(NETWORK), 50, stream("probes"), torch.float64)
    assert abs(estimate.value - float(truth.trace())) <= 4 * estimate.error


def test_the_graph_is_built_once():
    calls = []

    def loss(weights: Tensor) -> Tensor:
        calls.append(1)
        return weights.pow(4).sum()

    product = hessian_product(loss, torch.ones(2))
    for _ in range(3):
        assert product(torch.tensor([1.0, -1.0])).tolist() == [12.0, -12.0]
    assert len(calls) == 1


def test_point_and_grad_mode_are_untouched():
    at = torch.ones(2, requires_grad=True)
    with torch.no_grad():
        answer = hessian_product(lambda w: w.pow(3).sum(), at)(torch.ones(2))
    assert answer.tolist() == [6.0, 6.0]
    assert not answer.requires_grad
    assert at.grad is None


def test_a_linear_loss_has_no_curvature():
    slope = torch.tensor([1.0, 2.0])
    assert hessian_product(lambda w: slope @ w, torch.ones(2))(torch.ones(2)).tolist() == [0, 0]
    half = hessian_product(lambda w: slope @ w + w[0] ** 2, torch.ones(2))
    assert half(torch.ones(2)).tolist() == [2, 0]
    learned = slope.requires_grad_(True)
    assert hessian_product(lambda w: learned @ w, torch.ones(2))(torch.ones(2)).tolist() == [0, 0]


def test_answers_have_the_type_of_the_vector():
    product = hessian_product(lambda w: w.pow(2).sum(), torch.ones(2, dtype=torch.float32))
    assert product(torch.ones(2, dtype=torch.float64)).dtype == torch.float64


def test_another_shape_is_refused():
    product = hessian_product(lambda w: w.pow(2).sum(), torch.ones(2))
    with pytest.raises(InputError, match=r"vector must have shape \(2,\), got \(3,\)"):
        product(torch.ones(3))


@pytest.mark.parametrize(
    "at", [torch.ones(2, 2), torch.ones(0), torch.ones(2, dtype=torch.int64), torch.tensor(1.0)]
)
def test_what_is_no_flat_vector_is_refused(at: Tensor):
    with pytest.raises(InputError, match=r"at must be a flat vector of floats, got '\w+\.\w+ of s"):
        hessian_product(lambda w: w.sum(), at)


def test_a_point_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match=r"at must hold finite numbers only.*1 NaN"):
        hessian_product(lambda w: w.sum(), torch.tensor([1.0, torch.nan]))


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda w: w, r"must return a scalar tensor, got \(2,\)"),
        (lambda w: 1.0, r"must return a scalar tensor, got 'float'"),
        (lambda w: w.sum() / 0, r"must be finite, got inf"),
        (lambda w: w.detach().sum(), r"must depend on the weights that it is given, got 'no grad"),
        (lambda w: torch.ones((), requires_grad=True) * 2, r"must depend on the weights that it"),
        (lambda w: (w - 1).abs().sqrt().sum(), r"must hold finite numbers .* in its gradient"),
    ],
)
def test_losses_that_cannot_be_differentiated_are_refused(loss: object, words: str):
    with pytest.raises(InputError, match=f"^loss {words}"):
        hessian_product(loss, torch.ones(2))
