"""Errors, progress and surroundings of the pool; equal numbers are a matter of test_run.py."""

import os
from dataclasses import replace

import pytest
import torch

from somite.core.errors import InputError
from somite.study import pool
from somite.study.cells import Cell
from somite.study.jobs import Job, behavior_job, sampling_job
from somite.study.pool import run_jobs
from unit.study.finished import context_of

pytestmark = pytest.mark.xdist_group("smoke")


@pytest.fixture
def elsewhere(smoke_run, tmp_path):
    """The finished study's context, with an empty store."""
    return replace(context_of(smoke_run), run=tmp_path)


def hopeless(context, step):
    """A job whose checkpoint is not there."""
    return Job(Cell("behavior", f"step-{step:08d}", {"step": step}), step, cost=9)


def test_an_error_in_a_worker_is_the_error_here(elsewhere, tmp_path):
    environment, threads = dict(os.environ), torch.get_num_threads()
    jobs = [hopeless(elsewhere, 7), hopeless(elsewhere, 9)]
    with pytest.raises(InputError, match=r"step must be a step of the series, got [79]\. There"):
        run_jobs(jobs, elsewhere, 2, lambda done: None)
    assert dict(os.environ) == environment
    assert torch.get_num_threads() == threads
    assert not list(tmp_path.rglob("*.zarr"))


def test_what_was_finished_before_an_error_is_kept(elsewhere, tmp_path):
    good = behavior_job(elsewhere, 60)
    with pytest.raises(InputError, match="step must be"):
        run_jobs([good, hopeless(elsewhere, 7)], elsewhere, 1, lambda done: None)
    assert good.cell.exists(tmp_path)


def test_a_worker_that_dies_is_explained(elsewhere, monkeypatch):
    # A class that cannot be rebuilt on the other side stands in for a lack of memory.
    jobs = [replace(behavior_job(elsewhere, s), domain=Deadly()) for s in (48, 60)]
    with pytest.raises(InputError, match=r"workers must stay alive.*fewer --workers"):
        run_jobs(jobs, elsewhere, 2, lambda done: None)


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_progress_here_rises_to_the_total(elsewhere, monkeypatch):
    monkeypatch.setattr(pool, "REPORT_EVERY", 0.0)
    job, seen = sampling_job(elsewhere, 60), []
    run_jobs([job, behavior_job(elsewhere, 60)], elsewhere, 1, seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 5
    assert seen[-1] == job.cost + 400


def test_nothing_to_do_is_done_at_once(elsewhere):
    run_jobs([], elsewhere, 2, lambda done: None)


def test_one_thread_here_and_the_callers_number_afterwards(elsewhere):
    torch.set_num_threads(2)
    try:
        seen = []
        run_jobs(
            [sampling_job(elsewhere, 60)],
            elsewhere,
            1,
            lambda done: seen.append(torch.get_num_threads()),
        )
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_settings_of_the_users_own_reach_the_workers(monkeypatch):
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7")
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    with pool.allocator():
        assert os.environ["MALLOC_TRIM_THRESHOLD_"] == "7"
        assert "MALLOC_MMAP_THRESHOLD_" in os.environ
    assert "MALLOC_MMAP_THRESHOLD_" not in os.environ
