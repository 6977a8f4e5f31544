"""Functions of the weights that are recorded as probes with a loss of their own."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import somite as so
from somite.core.errors import InputError
from unit.models.tiny import tiny_rows
from unit.sampling.bowl import CENTER, level, sample_bowl
from unit.sampling.runs import sample_tiny


def first_weight(model: nn.Module, batch: Tensor) -> Tensor:
    return model.weight[0] * batch


def test_a_function_of_the_weights_is_what_it_is_at_the_draw():
    squares = so.Observable(lambda model, batch: model.weight.square().sum().expand(1), level(1))
    one = so.Observable(first_weight, torch.tensor([1.0, 3.0], dtype=torch.float64))
    probes = {"reference": level(), "size": squares, "one": one}
    draws = sample_bowl(probes=probes, probe_every=1)
    assert draws.attrs["observables"] == ["size", "one"]
    away = draws.probe_loss.sel(probe="one") / 2  # the mean of both rows
    other = draws.distance.values - away.values**2
    moved = draws.probe_loss.sel(probe="size").values
    expected = draws.distance.values + 2 * CENTER[0] * away.values
    np.testing.assert_allclose(
        (moved - expected) ** 2, 4 * CENTER[1] ** 2 * other, rtol=1e-6, atol=1e-12
    )


def test_another_loss_is_recorded_beside_and_leaves_the_chain_alone():
    rows = tiny_rows(3, seed=4)
    twice = so.Observable(lambda model, batch: 2 * so.next_token_loss(model, batch), rows)
    draws = sample_tiny(probes={"code": rows, "twice": twice})
    mean = draws.probe_loss
    np.testing.assert_allclose(mean.sel(probe="twice"), 2 * mean.sel(probe="code"), atol=1e-12)
    np.testing.assert_array_equal(draws.loss, sample_tiny().loss)
    assert "observables" not in sample_tiny().attrs


def test_it_serves_as_the_observable_of_a_susceptibility():
    rows = tiny_rows(3, seed=4)
    half = so.Observable(lambda model, batch: so.next_token_loss(model, batch) / 2, tiny_rows(4))
    probes = {"reference": tiny_rows(4), "code": rows, "half": half}
    draws = sample_tiny(probes=probes, probe_every=1, draws=10)
    plain = so.susceptibility(draws)
    assert plain.probe.values.tolist() == ["code"]
    own = so.susceptibility(draws, observable=draws.probe_loss.sel(probe="half", drop=True))
    np.testing.assert_allclose(own.susceptibility, plain.susceptibility / 2, rtol=1e-6)


def test_what_cannot_be_an_observable_is_refused():
    one = so.Observable(first_weight, torch.ones(1))
    with pytest.raises(InputError, match="probe reference must have the loss of the target"):
        sample_bowl(probes={"reference": one})
    with pytest.raises(InputError, match="stacked must be False with an observable, got True"):
        sample_bowl(probes={"one": one}, stacked=True)
    with pytest.raises(InputError, match="probe one must be a tensor, or a tuple or dict"):
        sample_bowl(probes={"one": so.Observable(first_weight, "rows")})
