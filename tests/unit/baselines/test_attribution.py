import numpy as np
import pytest
import torch

from somite.baselines import attribution_correlation, attributions, of_mlp
from somite.core.errors import InputError
from unit.baselines.small import PlainMLP, drawn, drawn_data, series


def linear_loss(model, batch):
    return model(batch[0]) @ torch.tensor([1.0, -2.0], dtype=torch.float64)


def test_attribution_is_exact_where_the_loss_is_linear():
    """Minus the attribution of a unit is what the loss changes by when it puts out zero."""
    model, data = PlainMLP([3, 4, 2]), drawn_data(7, 3, 2)
    worth = of_mlp(model, linear_loss, data).attributions
    clean = linear_loss(model, data)
    model.layers[1].weight.data[:, 2] = 0
    change = (linear_loss(model, data) - clean).detach().numpy()
    np.testing.assert_allclose(-worth.sel(component="0:2"), change, atol=1e-12)


def test_rows_are_added_up():
    outputs, slopes = series(drawn(2, 6, 3), "feature"), series(drawn(2, 6, 3, seed=1), "feature")
    rows = outputs.assign_coords(row=("sample", [0, 0, 1, 1, 2, 2]))
    each = (outputs * slopes).sum("feature").to_numpy().reshape(2, 3, 2).sum(-1)
    np.testing.assert_allclose(attributions(rows, slopes), each)


def test_correlation_keeps_its_sign_and_ignores_scale():
    values = drawn(1, 9)[0]
    worth = series(np.stack([values, 4 * values + 1, -values]), samples="example")
    found = attribution_correlation(worth).to_numpy()
    np.testing.assert_allclose(found[0], [1, 1, -1], atol=1e-12)


def test_shapes_that_differ_are_named():
    with pytest.raises(InputError, match=r"gradients must have the shape \(2, 3, 1\) of the act"):
        attributions(series(drawn(2, 3)), series(drawn(2, 4)))
