"""Controls and null networks are what they say, and pools of scores give the right p."""

import numpy as np
import pytest
import torch
import xarray as xr

from somite.core.errors import InputError
from somite.models import MLP
from somite.modularity import is_modular
from somite.truths import false_positives
from somite.truths.crowd import Crowd, fit_crowd
from somite.truths.false_positives import (
    NOISE,
    SHARED,
    SHOWN,
    dealt,
    null_matrices,
    null_scores,
    p_value,
    random_control,
    shuffled_network,
    trained_crowd,
    whole_matrix,
)
from somite.truths.fit import Plan
from somite.truths.kinds import NEURONS
from somite.truths.linear import block_linear
from somite.truths.methods import COMPARED, Method
from somite.truths.planted_mlp import PlantedSettings, random_mlp, trained_mlp

SHORT = PlantedSettings(steps=60)


@pytest.mark.parametrize("modular", [True, False])
def test_a_network_in_a_crowd_is_trained_as_if_alone(modular):
    task = false_positives.MODULES if modular else SHARED
    alone = trained_mlp(3, modular=modular, settings=SHORT)
    among = trained_crowd([2, 3, 4], task, SHORT)[1]
    assert torch.equal(alone.data[1], among.data[1])
    for one, other in zip(alone.model.parameters(), among.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
    assert among.modular == modular


def test_random_labels_are_the_same_labels_elsewhere():
    plain, noise = (trained_crowd([5], task, steps=0)[0] for task in (SHARED, NOISE))
    assert torch.equal(plain.data[0], noise.data[0])
    assert not torch.equal(plain.data[1], noise.data[1])
    assert torch.equal(plain.data[1].sort(0).values, noise.data[1].sort(0).values)
    truth = random_mlp(5)
    assert torch.equal(dealt(truth, 1).data[1], dealt(truth, 1).data[1])
    assert random_control(5).mean_loss() > 0.1 > truth.mean_loss()


def test_shuffled_networks_keep_the_weights_of_every_tensor():
    truth = random_mlp(1)
    before = [weight.clone() for weight in truth.model.parameters()]
    found, again, other = (shuffled_network(truth, seed).model for seed in (0, 0, 1))
    for old, new in zip(before, found.parameters(), strict=True):
        assert torch.equal(old.flatten().sort().values, new.flatten().sort().values)
    assert torch.equal(found.weight(0), again.weight(0))
    assert not torch.equal(found.weight(0), other.weight(0))
    assert not torch.equal(found.weight(0), before[0])
    assert all(torch.equal(a, b) for a, b in zip(before, truth.model.parameters(), strict=True))


@pytest.mark.parametrize("name", SHOWN)
def test_pools_of_scores_give_the_p_of_is_modular(name):
    method, truth = COMPARED[name], random_control(0)
    pool = null_matrices((random_control(seed) for seed in range(1, 6)), method)
    matrix = whole_matrix(truth, method)
    whole = is_modular(matrix, 7, null=pool)
    assert pool.dims == ("null", "component", "other")
    assert float(whole.p_value) == p_value(float(whole.value), null_scores(pool))


def test_components_left_out_have_no_weight():
    truth = random_mlp(0)
    names = list(truth.components)[1:]
    ones = np.ones((len(names),) * 2)
    part = xr.DataArray(ones, {"component": names, "other": names}, ("component", "other"))
    found = whole_matrix(truth, Method("weights", lambda t: part, (NEURONS,)))
    assert found.component.values.tolist() == list(truth.components)
    assert float(found[0].sum()) == 0.0
    assert float(found.sum()) == ones.sum()


def test_networks_that_a_method_refuses_are_counted():
    names, seen = ["a", "b"], iter(range(3))
    matrix = xr.DataArray(np.ones((2, 2)), {"component": names, "other": names})
    matrix = matrix.rename(dict(zip(matrix.dims, ("component", "other"), strict=True)))

    def refuse(truth):
        if next(seen) == 1:
            raise InputError("x", "must be y", 0, "Do z.")
        return matrix.assign_coords(
            component=list(truth.components)[:2], other=list(truth.components)[:2]
        )

    found = null_matrices(
        [random_mlp(seed) for seed in range(3)], Method("weights", refuse, (NEURONS,))
    )
    assert (found.sizes["null"], found.attrs["refused"]) == (2, 1)

    def never(truth):
        raise InputError("x", "must be y", 0, "Do z.")

    with pytest.raises(InputError, match="networks must hold one that the method takes, got 1"):
        null_matrices([random_mlp()], Method("weights", never, (NEURONS,)))


def test_crowds_refuse_what_they_cannot_train():
    data = (torch.zeros(4, 2), torch.zeros(4, 1))
    with pytest.raises(InputError, match="models must be of one shape and activation, got 2"):
        Crowd([MLP([2, 3, 1]), MLP([2, 4, 1])])
    with pytest.raises(InputError, match="plan must have full batches, got 2"):
        fit_crowd([MLP([2, 3, 1])], [data], Plan(1, 0.1, batch_size=2))
    with pytest.raises(InputError, match="data must be inputs and labels, got 'Tensor'"):
        dealt(block_linear(), 0)
    with pytest.raises(InputError, match="task must be a known name, got 'nothing'"):
        trained_crowd([0], "nothing")
