import numpy as np
import pytest
import torch
from torch import nn
from torch.func import jacrev, vmap

from somite.baselines import lesion_matrix, mlp_lesions, mlp_weights, of_mlp
from somite.baselines.of_mlp import hidden_names, linear_layers
from somite.core.errors import InputError
from unit.baselines.small import PlainMLP, drawn_data, square_loss


def upper(model, layer, hidden, targets):
    """Outputs and loss of one example from the activations of a hidden layer on."""
    x = hidden
    for place, above in enumerate(model.layers[layer + 1 :]):
        x = above(torch.tanh(x) if place else x)
    return x, ((x - targets) ** 2).mean()


def test_every_derivative_is_that_of_the_map_above_or_below():
    model, (x, y) = PlainMLP([3, 4, 2, 2]), drawn_data(5, 3, 2)
    found = of_mlp(model, square_loss, (x, y))
    first = torch.tanh(model.layers[0](x))
    np.testing.assert_allclose(found.activations[:4].T, first.detach().numpy())
    expected = {
        "gradients": vmap(jacrev(lambda h, t: upper(model, 0, h, t)[1]))(first, y).T,
        "output_jacobian": vmap(jacrev(lambda h, t: upper(model, 0, h, t)[0]))(first, y).permute(
            2, 0, 1
        ),
        "input_jacobian": vmap(jacrev(lambda x: torch.tanh(model.layers[0](x))))(x).permute(
            1, 0, 2
        ),
    }
    for name, exact in expected.items():
        np.testing.assert_allclose(found[name][:4], exact.detach().numpy(), atol=1e-12)
    curved = vmap(jacrev(jacrev(lambda h, t: upper(model, 0, h, t)[1])))(first, y).permute(1, 0, 2)
    np.testing.assert_allclose(found.loss_hessian[:4, :, :4], curved.detach().numpy(), atol=1e-12)


def test_hessian_between_layers_is_symmetric_and_total():
    """∂²L/∂h_0∂h_1 with h_1 moved on top of what h_0 makes of it."""
    model, (x, y) = PlainMLP([3, 4, 2, 2]), drawn_data(5, 3, 2)
    found = of_mlp(model, square_loss, (x, y)).loss_hessian.transpose("sample", ...).to_numpy()
    np.testing.assert_allclose(found, found.transpose(0, 2, 1), atol=1e-12)

    def loss(low, high, t):
        middle = torch.tanh(model.layers[1](low)) + high
        return ((model.layers[2](middle) - t) ** 2).mean()

    first, zero = torch.tanh(model.layers[0](x)), torch.zeros(5, 2, dtype=torch.float64)
    mixed = vmap(jacrev(jacrev(loss, 0), 1))(first, zero, y)  # (sample, first, second)
    np.testing.assert_allclose(found[:, :4, 4:], mixed.detach().numpy(), atol=1e-12)


def test_order_of_samples_and_gradients_switched_off_do_not_matter():
    model, (x, y) = PlainMLP([3, 4, 2]), drawn_data(6, 3, 2)
    before = of_mlp(model, square_loss, (x, y))
    model.requires_grad_(False)
    with torch.no_grad():
        after = of_mlp(model, square_loss, (x.flip(0), y.flip(0)))
    for name in before:
        dim = "example" if name == "attributions" else "sample"
        np.testing.assert_allclose(before[name], after[name].isel({dim: slice(None, None, -1)}))


def test_the_model_is_left_as_it_was():
    model = PlainMLP([3, 4, 2])
    before = {name: w.clone() for name, w in model.state_dict().items()}
    of_mlp(model, square_loss, drawn_data(6, 3, 2))
    assert all(torch.equal(w, before[name]) for name, w in model.state_dict().items())
    assert all(w.grad is None and w.requires_grad for w in model.parameters())


def test_weights_are_copies():
    model = PlainMLP([3, 4, 2])
    first, second = mlp_weights(model)
    assert (first.shape, second.shape) == ((4, 3), (2, 4))
    first[:] = 0
    assert model.layers[0].weight.abs().sum() > 0
    assert hidden_names(PlainMLP([3, 2, 1, 2])) == ["0:0", "0:1", "1:0"]


@pytest.mark.parametrize("stand_in", ["mean", "zero"])
def test_lesions_equal_a_changed_network(stand_in):
    model, data = PlainMLP([3, 4, 2]), drawn_data(8, 3, 2)
    evaluate = mlp_lesions(model, square_loss, {"all": data}, stand_in)
    found = evaluate(["0:1", "0:3"])["all"]
    hidden = torch.tanh(model.layers[0](data[0]))
    hidden[:, [1, 3]] = hidden[:, [1, 3]].mean(0) * (stand_in == "mean")
    expected = ((model.layers[1](hidden) - data[1]) ** 2).mean(1)
    np.testing.assert_allclose(found, expected.detach().numpy())


def test_lesions_of_planted_modules_hurt_their_own_task_only():
    model, (x, _) = PlainMLP([4, 6, 2]), drawn_data(30, 4, 2)
    inside = [torch.block_diag(torch.ones(a), torch.ones(a)) for a in ((3, 2), (1, 3))]
    for layer, present in zip(model.layers, inside, strict=True):
        layer.weight.data *= present
    y = model(x).detach()
    task = lambda m, batch: (m(batch[0]) - batch[1])[:, [int(batch[2][0])]] ** 2  # noqa: E731
    domains = {str(i): (x, y, torch.full((30,), i)) for i in range(2)}
    found = lesion_matrix(mlp_lesions(model, task, domains), hidden_names(model)).loss_change
    np.testing.assert_array_equal(found > 1e-9, np.repeat([[1, 0], [0, 1]], 3, axis=0))


def test_what_is_no_perceptron_is_named():
    data = drawn_data(4, 3, 2)
    with pytest.raises(InputError, match="model must have `layers`, a ModuleList of at least two"):
        linear_layers(nn.Linear(2, 2))
    mixed = PlainMLP([3, 4, 2])
    mixed.layers.append(nn.Tanh())
    with pytest.raises(InputError, match=r"model must have nn.Linear in `layers` only"):
        of_mlp(mixed, square_loss, data)
    with pytest.raises(InputError, match="activation must be a known name, got 'gelu'"):
        of_mlp(PlainMLP([3, 4, 2], "gelu"), square_loss, data)
    with pytest.raises(InputError, match="model must be its `layers` with the activation between"):
        of_mlp(PlainMLP([3, 4, 2], "relu"), square_loss, data, torch.tanh)


def test_bad_lesions_are_named():
    data = {"all": drawn_data(4, 3, 2)}
    with pytest.raises(InputError, match="stand_in must be a known name, got 'noise'"):
        mlp_lesions(PlainMLP([3, 4, 2]), square_loss, data, "noise")
    with pytest.raises(InputError, match="components must be a known name, got '1:0'"):
        mlp_lesions(PlainMLP([3, 4, 2]), square_loss, data)(["1:0"])
    with pytest.raises(InputError, match="model must be its `layers`"):
        mlp_lesions(PlainMLP([3, 4, 2]), square_loss, data, activation=torch.relu)
