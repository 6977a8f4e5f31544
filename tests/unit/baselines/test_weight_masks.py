from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import nn

from somite.baselines import MaskTraining, kept_share, learn_mask, mask_overlap
from somite.components import Mask
from somite.core.errors import InputError
from somite.core.random import stream

SHORT = MaskTraining(steps=300, batch_size=16, learning_rate=0.05, penalty=1e-2)


def task(output: int):
    """Squared error of one output against what the whole network puts out there."""

    def loss(model, batch):
        inputs, targets = batch
        return (model(inputs)[:, output] - targets[:, output]) ** 2

    return loss


@pytest.fixture(scope="module")
def learned():
    """A linear map of three inputs to two outputs, the first input of no use; its three masks."""
    model = nn.Linear(3, 2, bias=False).double()
    model.weight.data = torch.tensor([[0.0, 1.0, -1.0], [0.0, 2.0, 1.0]]).double()
    x = torch.randn(64, 3, generator=stream(0, "mask data"), dtype=torch.float64)
    data = (x, model(x).detach())
    masks = {
        "0": learn_mask(model, task(0), data, SHORT, 0),
        "1": learn_mask(model, task(1), data, SHORT, 0),
    }
    masks["again"] = learn_mask(model, task(0), data, SHORT, 1)
    return model, masks


def test_masks_are_the_weights_of_the_task(learned):
    _, masks = learned
    kept = {name: mask.entries["weight"].long().tolist() for name, mask in masks.items()}
    assert kept["0"] == [[0, 1, 1], [0, 0, 0]]
    assert kept["1"] == [[0, 0, 0], [0, 1, 1]]
    assert kept["again"] == kept["0"]


def test_overlap_tells_equal_tasks_from_different_ones(learned):
    found = mask_overlap(learned[1])
    expected = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    np.testing.assert_array_equal(found.iou, expected)
    np.testing.assert_array_equal(found.iomin, expected)
    assert found["size"].values.tolist() == [2, 2, 2]


def test_profiles_of_outputs_over_tasks(learned):
    model, masks = learned
    rows = torch.eye(2, dtype=torch.bool)[:, :, None].expand(2, 2, 3)
    parts = {f"row {i}": Mask({"weight": rows[i]}) for i in range(2)}
    share = kept_share(model, {name: masks[name] for name in "01"}, parts)
    np.testing.assert_allclose(share, 2 / 3 * np.eye(2))


def test_without_a_penalty_useless_weights_stay(learned):
    model, _ = learned
    settings = MaskTraining(steps=50, batch_size=16, penalty=0.0)
    x = torch.randn(64, 3, generator=stream(1, "mask data"), dtype=torch.float64)
    kept = learn_mask(model, task(0), (x, model(x).detach()), settings, 0).entries["weight"]
    assert kept.tolist() == [[True] * 3, [True] * 3]


def test_learning_repeats_itself_and_leaves_the_model(learned):
    model, masks = learned
    before = model.weight.detach().clone()
    x = torch.randn(64, 3, generator=stream(0, "mask data"), dtype=torch.float64)
    again = learn_mask(model, task(0), (x, model(x).detach()), SHORT, 0)
    assert torch.equal(again.entries["weight"], masks["0"].entries["weight"])
    assert torch.equal(model.weight, before)
    assert model.weight.grad is None


def test_a_smaller_mask_inside_a_larger_one():
    large = Mask({"w": torch.tensor([True, True, True, True])})
    small = Mask({"w": torch.tensor([True, False, False, False])})
    found = mask_overlap({"large": large, "small": small})
    assert found.iou[0, 1] == 0.25
    assert found.iomin[0, 1] == 1


def test_masks_of_other_tensors_share_nothing():
    one, two = (Mask({name: torch.tensor([True])}) for name in "vw")
    assert mask_overlap({"one": one, "two": two}).iou[0, 1] == 0


@pytest.mark.parametrize("field", [field.name for field in fields(MaskTraining)])
def test_bad_settings_are_named(field):
    if field == "start":
        return
    with pytest.raises(InputError, match=f"{field} must be"):
        MaskTraining(**{field: -1})


def test_bad_input_is_named(learned):
    model, masks = learned
    with pytest.raises(InputError, match=r"masks must hold at least two tasks, got \['0'\]"):
        mask_overlap({"0": masks["0"]})
    with pytest.raises(InputError, match="data must hold at least one example"):
        learn_mask(model, task(0), torch.zeros(0, 3), SHORT, 0)
    with pytest.raises(InputError, match="component w must name weights of the model"):
        kept_share(model, {"w": Mask({"w": torch.tensor([True])})}, {})
    broken = nn.Linear(1, 1)
    broken.weight.data[:] = torch.nan
    with pytest.raises(InputError, match="model must hold finite numbers only"):
        learn_mask(broken, task(0), torch.zeros(2, 1), SHORT, 0)
    costly = MaskTraining(steps=5, learning_rate=1.0, penalty=1.0)
    with pytest.raises(InputError, match="component must select at least one weight"):
        learn_mask(nn.Linear(1, 1), lambda m, x: 0 * m(x), torch.zeros(2, 1), costly, 0)
