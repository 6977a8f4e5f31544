import pytest
import torch
import torch.nn.functional as F

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import MLP, block_connections


def inputs(model: MLP, count: int = 5) -> torch.Tensor:
    return torch.randn(count, model.widths[0], generator=stream("x"), dtype=torch.float64)


def drawn(widths, activation="tanh", **settings) -> MLP:
    """Biases are not zero, so that nothing vanishes by chance."""
    model = MLP(widths, activation, **settings).double()
    for place in range(len(widths) - 1):
        if model.layer(place).bias is not None:
            model.layer(place).bias.data += 0.3
    return model


def times_chosen(model: MLP, kind: str) -> dict[str, torch.Tensor]:
    counts = {name: torch.zeros(w.shape, dtype=torch.long) for name, w in model.named_parameters()}
    for mask in model.components()[kind].values():
        for name, chosen in mask.entries.items():
            counts[name] += chosen
    return counts


@pytest.mark.parametrize(("activation", "function"), [("tanh", torch.tanh), ("relu", torch.relu)])
def test_forward_is_the_formula(activation, function):
    model = drawn([3, 4, 2], activation)
    x, (first, second) = inputs(model), model.layers
    expected = function(x @ first.weight.T + first.bias) @ second.weight.T + second.bias
    torch.testing.assert_close(model(x), expected)
    torch.testing.assert_close(model.hidden(x)[0], function(first(x)))


@pytest.mark.parametrize("bias", [True, False])
def test_neurons_are_disjoint_and_leave_only_the_output_biases(bias):
    counts = times_chosen(drawn([3, 4, 5, 2], bias=bias), "neurons")
    left = {name for name, count in counts.items() if (count != 1).any()}
    assert left == ({"layers.2.bias"} if bias else set())


def test_layers_cover_every_weight_once():
    assert all((c == 1).all() for c in times_chosen(drawn([3, 4, 5, 2]), "layers").values())


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_silent_neuron_leaves_exactly_its_mask_without_gradient(activation):
    model = drawn([3, 4, 2], activation)
    x, weights = inputs(model, 40), dict(model.named_parameters())
    for name, mask in model.components()["neurons"].items():
        keep = torch.ones(4, dtype=torch.float64)
        keep[int(name[2:])] = 0.0
        out = F.linear(model.hidden(x)[0] * keep, model.weight(1), model.layer(1).bias)
        gradients = torch.autograd.grad(out.square().sum(), list(weights.values()))
        for (tensor, weight), gradient in zip(weights.items(), gradients, strict=True):
            chosen = mask.entries.get(tensor, torch.zeros(weight.shape, dtype=torch.bool))
            assert torch.equal(gradient == 0, chosen), (name, tensor)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_zeroing_the_mask_silences_the_neuron(activation):
    model = drawn([3, 4, 5, 2], activation)
    for name, mask in model.components()["neurons"].items():
        place, index = map(int, name.split(":"))
        copy = drawn([3, 4, 5, 2], activation)
        for tensor, weight in copy.named_parameters():
            if tensor in mask.entries:
                weight.data[mask.entries[tensor]] = 0.0
        hidden = copy.hidden(inputs(model))
        assert (hidden[place][:, index] == 0).all()
        others = [i for i in range(hidden[place].shape[1]) if i != index]
        torch.testing.assert_close(
            hidden[place][:, others], model.hidden(inputs(model))[place][:, others]
        )


def test_kinds_of_neurons_by_layer():
    kinds = drawn([3, 4, 5, 2]).components()
    assert list(kinds["neurons"]) == [*kinds["neurons:0"], *kinds["neurons:1"]]
    assert list(kinds["neurons:1"]) == ["1:0", "1:1", "1:2", "1:3", "1:4"]


def test_cut_weights_do_nothing_and_belong_to_nobody():
    connections = block_connections([[2, 3, 1], [1, 2, 2]])
    model = drawn([3, 5, 3], connections=connections)
    x = inputs(model)
    before = model(x)
    for place, present in enumerate(connections):
        assert (model.layer(place).weight[~present] == 0).all()
        model.layer(place).weight.data[~present] = 9.0
    assert torch.equal(model(x), before)
    for kind in ("neurons", "layers"):
        counts = times_chosen(model, kind)
        for place, present in enumerate(connections):
            assert torch.equal(counts[f"layers.{place}.weight"] == 1, present)


def test_blocks_are_networks_side_by_side():
    model = drawn([3, 5, 3], connections=block_connections([[2, 3, 1], [1, 2, 2]]))
    jacobian = torch.autograd.functional.jacobian(model, inputs(model, 1)[0])
    assert (jacobian[:1, 2:] == 0).all()
    assert (jacobian[1:, :2] == 0).all()
    assert (jacobian[:1, :2] != 0).all()


def test_streams_name_the_first_weights():
    assert torch.equal(MLP([2, 3], seed=1).weight(0), MLP([2, 3], seed=1).weight(0))
    assert not torch.equal(MLP([2, 3], seed=1).weight(0), MLP([2, 3], seed=2).weight(0))


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    MLP([2, 3, 1])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MLP([3]), "widths must hold at least two widths"),
        (lambda: MLP([3, 2], "gelu"), "activation must be a known name, got 'gelu'"),
        (
            lambda: MLP([3, 2], connections=[torch.ones(3, 2, dtype=torch.bool)]),
            r"connections must have the shapes \[\(2, 3\)\]",
        ),
        (lambda: MLP([3, 2], connections=[torch.ones(2, 3)]), "connections must be boolean"),
        (lambda: block_connections([[1, 1], [1, 1, 1]]), "widths must be of one depth"),
        (lambda: block_connections([]), "widths must be of one depth"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(InputError, match=words):
        call()
