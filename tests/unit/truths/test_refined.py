"""Profiles over inputs: as by hand on the two halves, and large where a neuron reads."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from somite.core.errors import InputError
from somite.core.random import stream
from somite.curvature import gauss_newton
from somite.data import ParityTasks
from somite.models import MLP, balanced, cross_entropy_loss, rescaled
from somite.theory import gaussian_llc
from somite.truths.kinds import active
from somite.truths.refined import input_profiles
from somite.truths.truth import GroundTruth

TASKS = ParityTasks(tasks=2, size=2)
SCALE = (100.0, 10.0)


def truth_of(model):
    x, y, _ = TASKS.examples(96, stream("profiles"))
    return GroundTruth(
        "by hand", model, cross_entropy_loss, (x, y), model.components()["neurons"], {}
    )


def profiles(truth, inputs=(2, 3, 4, 5), counts=None):
    x = truth.data[0]
    counts = np.ones((1, len(x))) if counts is None else counts
    return input_profiles(truth, x, inputs, counts, SCALE)


def test_as_by_hand():
    truth = truth_of(MLP([6, 3, 2], "relu", seed=2))
    model, x = balanced(truth.model), truth.data[0]
    for name, mask in truth.components.items():
        chosen, halves = {name: active(model, mask)}, []
        for part in (x[x[:, 3] > 0], x[x[:, 3] < 0]):
            matrix = gauss_newton(model, lambda m, x: m(x), part, chosen, "logits").matrix
            halves.append(gaussian_llc(np.linalg.eigvalsh(matrix).clip(0), *SCALE))
        place = list(truth.components).index(name)
        assert profiles(truth)[0, place, 1] == pytest.approx(abs(halves[0] - halves[1]), abs=1e-6)


def test_an_example_taken_twice_counts_twice():
    truth = truth_of(MLP([6, 3, 2], "relu", seed=2))
    x, counts = truth.data[0], np.ones((1, 96))
    counts[0, :10] = 2
    longer = torch.cat([x, x[:10]])
    # Halves are cut at the mean of an input, and −1 and 1 stay on their sides of it.
    again = input_profiles(truth, longer, (2, 3), np.ones((1, 106)), SCALE)
    np.testing.assert_allclose(profiles(truth, (2, 3), counts), again, atol=1e-6)


def test_a_rescaling_changes_nothing():
    truth = truth_of(MLP([6, 3, 2], "relu", seed=2).double())
    truth = replace(truth, data=(truth.data[0].double(), truth.data[1]))
    other = replace(truth, model=rescaled(truth.model))
    np.testing.assert_allclose(profiles(truth), profiles(other), atol=1e-8)


def test_large_where_a_neuron_reads():
    model = MLP([6, 2, 2], "relu", seed=1)
    with torch.no_grad():
        model.layer(0).weight.zero_()
        model.layer(0).weight[0, [2, 3]] = 1.0
        model.layer(0).weight[1, [4, 5]] = 1.0
    found = profiles(truth_of(model))[0]
    assert found[0, :2].min() > 3 * found[0, 2:].max()
    assert found[1, 2:].min() > 3 * found[1, :2].max()


def test_bad_input_is_refused():
    truth = truth_of(MLP([6, 3, 2], "relu", seed=2))
    truth.data[0][:, 2] = 1.0
    with pytest.raises(InputError, match="inputs must be high in some examples and low in others"):
        profiles(truth)
    linear = nn.Linear(6, 2)
    other = replace(truth, model=linear, components={})
    with pytest.raises(InputError, match="truth must be an MLP"):
        profiles(other)
