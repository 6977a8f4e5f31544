"""Births are found in matrices made by hand and judged by their times; labels follow the bits."""

import math

import numpy as np
import pytest
import torch
import xarray as xr

from somite.data import ParityTasks
from somite.models import MLP
from somite.modularity.tracking import NOBODY
from somite.truths.births import BirthSettings, judged_births, module_births, modules_beyond_chance
from somite.truths.fit import Plan
from somite.truths.parity import ParitySettings, bit_labels, sparse_parity


def blocks(sizes, loose, generator):
    """Interactions of modules of the given sizes, and of components in none."""
    size = sum(sizes) + loose
    owner = np.concatenate([np.repeat(np.arange(len(sizes)), sizes), np.full(loose, -1)])
    together = (owner[:, None] == owner) & (owner >= 0)
    noise = generator.normal(size=(size, size)) * 0.1
    return together + (noise + noise.T) / 2, owner


def test_modules_are_those_beyond_chance():
    weights, owner = blocks((6, 6, 6), 3, np.random.default_rng(0))
    found = modules_beyond_chance(weights, 0, BirthSettings())
    for module in (0, 1, 2):
        labels = np.unique(found[owner == module])
        assert len(labels) == 1
        assert labels[0] != NOBODY
    assert len(np.unique(found[owner >= 0])) == 3


def test_what_most_components_share_is_no_module():
    weights, owner = blocks((8,), 4, np.random.default_rng(1))
    found = modules_beyond_chance(weights, 0, BirthSettings())
    assert (found[owner == 0] == NOBODY).all()


def test_births_are_judged_by_task_and_time(monkeypatch):
    tasks = ParityTasks(tasks=2, size=2, alpha=1.0)
    plan = Plan(40, 0.01, checkpoints=4)
    truth = sparse_parity(0, ParitySettings(tasks, hidden=6, examples=64, tested=32, plan=plan))
    names = list(truth.components)
    truth.labels.clear()
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
    tasks = ParityTasks(tasks=2, size=2, alpha=1.0)
    plan = Plan(60, 0.01, l2=1e-3, batch_size=64, checkpoints=6)
    truth = sparse_parity(0, ParitySettings(tasks, hidden=12, examples=400, tested=50, plan=plan))
    settings = BirthSettings(groups=2, examples=32, replicates=2, sets=99, first=5)
    tracked, events = module_births(truth, 0, settings)
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
