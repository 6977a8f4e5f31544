"""Engines without a cluster: how many workers, what is missing, what is said."""

import sys
from types import SimpleNamespace

import pytest

from somite.core.errors import InputError
from somite.core.threads import available_cores
from somite.study import cluster_jobs, load_recipe, run_study
from somite.study.cluster import Ray
from somite.study.cluster_jobs import Solitude
from somite.study.engine import Local, usual_workers
from unit.study.finished import Listener


def test_workers_of_a_device():
    assert available_cores() >= 1
    assert usual_workers("cpu", None) == available_cores()
    assert usual_workers("cuda", None) == 1
    assert usual_workers("cuda", 3) == 3
    with Local().start(None, "cpu") as runner:
        assert runner.workers == available_cores()


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_of_a_gpu_is_one(share):
    with pytest.raises(InputError, match="gpus_per_job must be above 0 and at most 1"):
        Ray(gpus_per_job=share)


def test_without_the_package_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"engine needs the package `ray`.*somite\[ray\]"):
        run_study(load_recipe("smoke"), tmp_path / "run", engine=Ray())
    assert not (tmp_path / "run").exists()


@pytest.mark.xdist_group("smoke")
def test_idle_workers_are_mentioned(smoke_copy):
    watch, recipe = Listener(), load_recipe("smoke", {"refined.draws": "13"})
    run_study(recipe, smoke_copy, 7, watch=watch)
    assert "refined sampling: jobs for 4 of 7 workers, the others are idle" in watch.said
    assert not any("sampling: jobs for" in text for text in watch.said if "refined" not in text)


def test_a_cluster_without_nodes_is_waited_for_but_not_for_ever(monkeypatch):
    now = [5.0]
    monkeypatch.setattr(cluster_jobs, "time", SimpleNamespace(monotonic=lambda: now[0]))
    solitude = Solitude()
    for moment, room in ((5, 0), (60, 0), (64, 1), (70, 0), (129, 0)):
        now[0] = moment
        solitude.check(room)
    now[0] = 131
    with pytest.raises(InputError, match="cluster must have a node for jobs; there has been none"):
        solitude.check(0)
