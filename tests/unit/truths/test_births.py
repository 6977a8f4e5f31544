"""Births are found where neurons begin to read alike, and judged by their times."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from somite.core.random import stream
from somite.data import ParityTasks
from somite.models import MLP, cross_entropy_loss
from somite.truths.births import BirthSettings, judged_births, module_births
from somite.truths.fit import Plan
from somite.truths.parity import ParitySettings, bit_labels, sparse_parity
from somite.truths.truth import GroundTruth, Task

TASKS = ParityTasks(tasks=2, size=3)
BITS = range(2, 8)


def network(reading):
    """Twelve neurons of random weights, but for those that read the bits they are given."""
    model = MLP([8, 12, 2], "relu", seed=3)
    with torch.no_grad():
        for neuron, places in reading.items():
            model.layer(0).weight[neuron] = 0.0
            model.layer(0).weight[neuron, places] = 1.0
    return model


def truth_of(models):
    """Networks at checkpoints 20, 40, … of one training."""
    tasks = {
        str(i): Task(cross_entropy_loss, TASKS.examples(128, stream("births"), i)[:2])
        for i in range(2)
    }
    last, data = models[-1], tasks["0"].data
    return GroundTruth(
        "hand-made", last, cross_entropy_loss, data, last.components()["neurons"], {},
        tasks=tasks, checkpoints={20 * (i + 1): m.state_dict() for i, m in enumerate(models)},
    )  # fmt: skip


def test_a_module_is_born_when_neurons_begin_to_read_the_same():
    first = {i: [2, 3, 4] for i in range(4)}
    second = first | {i: [5, 6, 7] for i in range(4, 9)}
    truth = truth_of([network({})] * 2 + [network(first)] * 2 + [network(second)] * 2)
    settings = BirthSettings(replicates=4, alike=0.9, smallest=4)
    tracked, events = module_births(truth, BITS, 0, settings)
    born = list(zip(events.kind.values.tolist(), events.step.values.tolist(), strict=True))
    assert born == [("birth", 60.0), ("birth", 100.0)]
    assert events.support.values.tolist() == [1.0, 1.0]
    assert (tracked.module.sel(step=[20, 40]) == -1).all()
    assert tracked.module.sel(step=120).values.tolist() == [0] * 4 + [1] * 5 + [-1] * 3


def test_a_silent_neuron_is_in_no_module():
    model = network({i: [2, 3, 4] for i in range(4)})
    with torch.no_grad():
        model.layer(1).weight[:, 3] = 0.0
        model.layer(0).weight[3] = 0.0
        model.layer(0).bias[3] = -1.0
    settings = BirthSettings(replicates=2, alike=0.9, smallest=3)
    tracked, _ = module_births(truth_of([model] * 2), BITS, 0, settings)
    assert tracked.module.sel(step=40).values.tolist()[:4] == [0, 0, 0, -1]


def test_births_are_judged_by_task_and_time():
    truth = truth_of([network({})])
    names = list(truth.components)[:6]
    truth.labels.update({names[i]: "01"[i // 3] for i in range(6)})
    truth.times.update({"0": 100.0, "1": 500.0})
    steps = [50, 110, 300, 1500]
    modules = np.array([[-1] * 6, [0, 0, 0, -1, -1, -1], [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1]])
    tracked = xr.Dataset(
        {"module": (("step", "component"), modules)}, {"step": steps, "component": names}
    )
    events = xr.Dataset(
        {"kind": ("event", ["birth", "growth", "birth", "birth"]),
         "step": ("event", [110.0, 300.0, 300.0, 110.0]), "module": ("event", [0, 0, 1, 0])}
    )  # fmt: skip
    found = judged_births(truth, tracked, events)
    assert found.task.values.tolist() == ["0", "1", "0"]
    assert found.right.values.tolist() == [True, False, False]  # late; twice the same task
    assert float(found.distance[1]) == pytest.approx(math.log(301 / 501))
    assert (found.attrs["tasks"], found.attrs["found"], found.attrs["false"]) == (2, 1, 2)
    none = judged_births(truth, tracked, events.isel(event=[1]))
    assert (none.attrs["births"], none.attrs["found"]) == (0, 0)


def test_a_small_network_goes_through():
    plan = Plan(60, 0.01, l2=1e-3, batch_size=64, checkpoints=6)
    truth = sparse_parity(0, ParitySettings(TASKS, hidden=12, examples=400, tested=50, plan=plan))
    settings = BirthSettings(examples=32, replicates=2, first=5)
    tracked, events = module_births(truth, BITS, 0, settings)
    assert tracked.sizes["component"] == 12
    assert int(tracked.step.min()) >= 5
    assert set(events.kind.values) <= {"birth", "death", "split", "merge", "growth", "shrink"}


def test_labels_are_the_bits_that_are_read():
    tasks, model = ParityTasks(tasks=2, size=2), MLP([6, 4, 2], "relu", seed=1)
    with torch.no_grad():
        model.layer(0).weight.zero_()
        for neuron, places in enumerate(([2, 3], [4, 5], [2, 5], [4, 5])):
            model.layer(0).weight[neuron, places] = 1.0
        model.layer(0).weight[:, :2] = 3.0  # control bits do not count
        model.layer(1).weight[:, 3] = 1e-3  # faded
    assert bit_labels(model, tasks) == {"0:0": "0", "0:1": "1"}
