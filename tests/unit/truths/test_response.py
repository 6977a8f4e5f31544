"""Planted streams and roles come out of the susceptibilities of heads, with their errors."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from somite.baselines import response_similarity
from somite.core.errors import InputError
from somite.truths import response
from somite.truths.judging import judged
from somite.truths.roles import planted_roles
from somite.truths.streams import two_streams
from somite.truths.truth import GroundTruth


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Chains short enough for a test; benchmarks/response_modules.py takes the long ones."""
    for name, value in {"BURN_IN": 20, "DRAWS": 24, "EXAMPLES": 8}.items():
        monkeypatch.setattr(response, name, value)


def own_and_other(truth: GroundTruth, found: xr.DataArray) -> tuple[list[float], list[float]]:
    """Mean χ to the tasks of a head's own module, and to the others."""
    rows_of = {"induction": "repeats", "skip-trigram": "skip"}
    own, other = [], []
    for head, module in truth.labels.items():
        for task, values in found.sel(component=head).groupby("task"):
            place = own if task == rows_of.get(module, module) else other
            place.append(float(values.mean()))
    return own, other


@pytest.mark.parametrize("make", [planted_roles, lambda: two_streams(0, steps=60)])
def test_heads_express_their_own_task_and_their_modules_come_out(make):
    truth = make()
    found = response.task_susceptibilities(truth)
    assert found.dims == ("component", "example")
    assert (found.mcse > 0).all()
    own, other = own_and_other(truth, found)
    assert max(own) < min(other)  # negative: what it does for its own rows
    matrix = response_similarity(found.drop_vars("mcse"))
    assert judged(matrix, truth, "rotation", 0).row["ari"] == 1


def test_shuffled_labels_are_not_what_comes_out():
    truth = planted_roles()
    turned = dict(zip(truth.labels, np.roll(list(truth.labels.values()), 1), strict=True))
    wrong = replace(truth, labels=turned)
    assert judged(response.response(truth), wrong, "rotation", 0).row["ari"] < 1


def test_a_truth_without_tasks_is_refused():
    truth = planted_roles(steps=0)
    bare = replace(truth, tasks={})
    with pytest.raises(InputError, match=r"truth must have at least 2 tasks, got \[\]"):
        response.task_susceptibilities(bare)
