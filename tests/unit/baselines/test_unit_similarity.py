import numpy as np
import pytest
import torch

from somite.baselines import (
    activation_correlation,
    backward_hessian,
    backward_jacobian,
    forward_covariance,
    forward_jacobian,
    of_mlp,
)
from somite.core.errors import InputError
from unit.baselines.small import PlainMLP, drawn, drawn_data, series, square_loss


def linear_network():
    """One hidden layer without a function: every similarity has a closed form."""
    model = PlainMLP([3, 4, 2], "clone")
    data = drawn_data(50, 3, 2)
    (first, second), x = (
        [layer.weight.detach().numpy() for layer in model.layers],
        data[0].numpy(),
    )
    recording = of_mlp(model, square_loss, data, torch.clone)
    return recording, first, second, x


def test_linear_network_has_the_closed_forms():
    recording, first, second, x = linear_network()
    forms = {
        "covariance": (
            forward_covariance(recording.activations, False),
            first @ np.cov(x.T, ddof=0) @ first.T,
        ),
        "from inputs": (forward_jacobian(recording.input_jacobian, False), first @ first.T),
        "to outputs": (backward_jacobian(recording.output_jacobian, False), second.T @ second),
        # the loss is the mean of two squares, so its curvature in the outputs is 1
        "loss": (backward_hessian(recording.loss_hessian, False), second.T @ second),
    }
    for name, (found, expected) in forms.items():
        np.testing.assert_allclose(found, np.abs(expected), rtol=1e-9, err_msg=name)


def test_normalised_similarities_do_not_change_with_the_scale_of_a_unit():
    model, data = PlainMLP([3, 4, 2], "relu"), drawn_data(40, 3, 2)
    before = of_mlp(model, square_loss, data)
    model.layers[0].weight.data[1] *= 7
    model.layers[0].bias.data[1] *= 7
    model.layers[1].weight.data[:, 1] /= 7
    after = of_mlp(model, square_loss, data)
    for method, needs in [
        (forward_covariance, "activations"),
        (forward_jacobian, "input_jacobian"),
        (backward_jacobian, "output_jacobian"),
        (backward_hessian, "loss_hessian"),
    ]:
        np.testing.assert_allclose(method(before[needs]), method(after[needs]), atol=1e-9)
        raw = [method(recording[needs], normalize=False) for recording in (before, after)]
        assert np.abs(raw[0] - raw[1]).max() > 1e-3


def test_upstream_and_downstream_may_disagree():
    """Two units that read the same and write apart."""
    recording, *_ = linear_network()
    rows = recording.input_jacobian.copy()
    rows[1] = rows[0]
    away = recording.output_jacobian.copy()
    away[0], away[1] = [1.0, 0.0], [0.0, 1.0]
    assert forward_jacobian(rows)[0, 1] == pytest.approx(1)
    assert backward_jacobian(away)[0, 1] == 0


def test_correlation_of_ranks_sees_through_monotone_functions():
    values = drawn(1, 40)[0]
    pair = series(np.stack([values, -np.exp(3 * values)]))
    assert activation_correlation(pair)[0, 1].item() == pytest.approx(1)
    assert activation_correlation(pair, rank=False)[0, 1].item() < 0.9


def test_hessians_that_are_no_square_or_flat_are_named():
    with pytest.raises(InputError, match="loss_hessian must be square"):
        backward_hessian(series(drawn(3, 5, 2), "other"))
    flat = series(drawn(2, 5, 2) * np.array([0.0, 1.0]), "other")
    with pytest.raises(InputError, match="loss_hessian must not be zero everywhere"):
        backward_hessian(flat)
