import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import (
    MLP,
    DeepLinear,
    balanced,
    block_connections,
    permuted,
    rescaled,
    rotated,
    turned_heads,
    with_null_weight,
)
from unit.models.tiny import tiny_rows, tiny_transformer

X = torch.randn(20, 3, generator=stream("x"), dtype=torch.float64)


def network(activation: str = "relu", bias: bool = True) -> MLP:
    model = MLP([3, 5, 4, 2], activation, bias).double()
    for i, weight in enumerate(model.parameters()):
        weight.data += 0.2 * torch.randn(weight.shape, generator=stream(i), dtype=torch.float64)
    return model


def distance(one: torch.nn.Module, other: torch.nn.Module) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def size(model: MLP) -> float:
    return float(sum(weight.detach().square().sum() for weight in model.parameters()))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("change", [rescaled, balanced])
def test_relu_neurons_can_be_rescaled(change, bias):
    model = network(bias=bias)
    changed = change(model)
    assert_same(changed(X), model(X))
    assert distance(changed, model) > 0.05


def test_rescaling_moves_the_function_of_a_tanh_network():
    model, other = network(), network("tanh")
    other.load_state_dict(rescaled(model).state_dict())
    assert (other(X) - network("tanh")(X)).abs().max() > 0.1


def test_balanced_weights_are_the_smallest_and_do_not_depend_on_scales():
    model = network()
    found = balanced(model)
    assert distance(found, balanced(rescaled(model))) < 1e-9
    assert size(found) < size(model) < size(rescaled(model))
    assert size(found) < min(size(rescaled(found, 1.1, seed)) for seed in range(5))


def test_a_dead_neuron_is_left_as_it_is():
    model = network()
    model.layer(0).weight.data[0] = 0.0
    model.layer(0).bias.data[0] = 0.0
    assert_same(balanced(model)(X), model(X))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_neurons_can_be_reordered(activation):
    model = network(activation)
    changed, names = permuted(model, seed=1)
    assert_same(changed(X), model(X))
    assert any(new != old for new, old in names.items())
    before, after = model.hidden(X), changed.hidden(X)
    for new, old in names.items():
        (layer, i), (_, j) = (map(int, name.split(":")) for name in (new, old))
        assert_same(after[layer][:, i], before[layer][:, j])


@pytest.mark.parametrize("shape", [{}, {"bias": True}, {"positions": "rotary"}, {"norm": "none"}])
def test_heads_have_coordinates_of_their_own(shape):
    model = tiny_transformer(**shape)
    changed = turned_heads(model)
    assert_same(changed(tiny_rows()), model(tiny_rows()))
    assert distance(changed, model) > 0.1
    attn = changed.block(0).attn.weights()
    attn["W_Q"].data *= 1.1  # a change that is not undone elsewhere
    assert (changed(tiny_rows()) - model(tiny_rows())).abs().max() > 1e-6


def test_hidden_layers_of_linear_networks_can_be_rotated():
    model = DeepLinear([3, 4, 5, 2]).double()
    changed = rotated(model)
    assert_same(changed.product(), model.product())
    assert distance(changed, model) > 0.1
    for one, other in zip(changed.weights, model.weights, strict=True):
        assert float(one.detach().norm()) == pytest.approx(float(other.detach().norm()))


def test_directions_that_no_input_has_can_hold_anything():
    model = MLP([4, 5, 2]).double()
    x = torch.cat([X, X[:, :1] - X[:, 1:2]], 1)
    changed = with_null_weight(model, x, size=3.0)
    assert_same(changed(x), model(x))
    added = (changed.weight(0) - model.weight(0)).norm() / model.weight(0).norm()
    assert float(added.detach()) == pytest.approx(3.0)
    assert (changed(x + 1) - model(x + 1)).abs().max() > 0.1


def test_models_are_left_as_they_are():
    model, before = network(), network()
    rescaled(model), balanced(model), permuted(model)
    assert distance(model, before) == 0


CUT = MLP([3, 2, 2], connections=block_connections([[2, 1, 1], [1, 1, 1]]))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rescaled(network("tanh")), "activation must be 'relu', got 'tanh'"),
        (lambda: balanced(network("tanh")), "activation must be 'relu'"),
        (lambda: rescaled(network(), 0.0), "spread must be positive"),
        (lambda: permuted(CUT), "model must have all connections"),
        (lambda: turned_heads(tiny_transformer(), 0.0), "stretch must be positive"),
        (lambda: with_null_weight(network(), X), "inputs must leave a direction out"),
        (lambda: with_null_weight(CUT, X), "model must have all connections"),
        (lambda: with_null_weight(network(), X[:2], -1.0), "size must be positive"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
