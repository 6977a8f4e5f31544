import numpy as np
import pytest
import torch

from somite.baselines import block_ntk, gradient_grams
from somite.components import Mask
from somite.core.errors import InputError
from somite.models import next_token_loss
from unit.baselines.small import PlainMLP, drawn, drawn_data, series, square_loss
from unit.behavior.circuits import drawn_model, drawn_rows

DIMS = ("component", "example", "other_example")


def rows_of(model):
    """One component for each hidden unit: its incoming row."""
    weight = model.layers[0].weight
    found = {}
    for unit in range(len(weight)):
        chosen = torch.zeros(weight.shape, dtype=torch.bool)
        chosen[unit] = True
        found[f"0:{unit}"] = Mask({"layers.0.weight": chosen})
    return found


def test_kernels_are_inner_products_of_gradients():
    model, data = PlainMLP([3, 4, 2]), drawn_data(5, 3, 2)
    grams = gradient_grams(model, square_loss, data, rows_of(model))
    gradients = []
    for example in range(5):
        model.zero_grad()
        square_loss(model, (data[0][example], data[1][example])).mean().backward()
        gradients.append(model.layers[0].weight.grad[1].numpy().copy())
    np.testing.assert_allclose(
        grams.sel(component="0:1"), np.stack(gradients) @ np.stack(gradients).T
    )


def test_kernels_of_all_weights_are_sums_over_components():
    model, data = PlainMLP([3, 4, 2]), drawn_data(6, 3, 2)
    parts = rows_of(model)
    whole = {"all": Mask({"layers.0.weight": torch.ones(4, 3, dtype=torch.bool)}), **parts}
    grams = gradient_grams(model, square_loss, data, whole)
    np.testing.assert_allclose(grams[0], grams[1:].sum("component"))


def test_heads_of_a_transformer_have_kernels():
    model, rows = drawn_model(), drawn_rows(5)
    grams = gradient_grams(model, next_token_loss, rows, model.components()["heads"])
    model.zero_grad()
    next_token_loss(model, rows[:1]).mean().backward()
    squares = sum((w.grad[1] ** 2).sum() for w in model.block(2).attn.weights().values())
    assert grams.sel(component="2:1")[0, 0].item() == pytest.approx(squares.item())


def test_units_that_read_different_inputs_do_not_align():
    """Gradients of w_i are e·v_i·x_i: kernels of x_0 and x_1, the residuals e alike."""
    n = 400
    x = np.stack([drawn(1, n)[0], drawn(1, n, seed=1)[0]])
    grams = series(
        np.stack([np.outer(v, v) for v in (x[0], -3 * x[0], x[1])]), *DIMS[2:], samples="example"
    )
    found = block_ntk(grams)
    assert found[0, 1].item() == pytest.approx(1)
    assert abs(found[0, 2]) < 0.03


def test_a_component_without_gradient_is_named():
    grams = series(np.stack([np.eye(5), np.zeros((5, 5))]), *DIMS[2:], samples="example")
    with pytest.raises(InputError, match=r"gradient_grams must not be zero everywhere.*c1"):
        block_ntk(grams)
    with pytest.raises(InputError, match="gradient_grams must be square"):
        block_ntk(series(drawn(2, 5, 4), *DIMS[2:], samples="example"))


def test_data_and_masks_that_do_not_fit_are_named():
    model = PlainMLP([3, 4, 2])
    bad = {"x": Mask({"w": torch.tensor([True])})}
    with pytest.raises(InputError, match="component x must name weights of the model"):
        gradient_grams(model, square_loss, drawn_data(4, 3, 2), bad)
    with pytest.raises(InputError, match="data must hold at least one example"):
        gradient_grams(model, square_loss, drawn_data(0, 3, 2), rows_of(model))
