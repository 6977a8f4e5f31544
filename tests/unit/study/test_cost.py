"""The cost of interactions, told before it is paid."""

import time

import pytest

from somite.study.cost import TRIED, clock, cost_in_words, duration, seconds_per_step, spread_names
from somite.study.jobs import interaction_jobs
from unit.study.finished import context_of

pytestmark = pytest.mark.xdist_group("smoke")


def test_the_cost_names_checkpoints_steps_time_and_workers(smoke_run, monkeypatch):
    context = context_of(smoke_run)
    jobs = interaction_jobs(context, 60) + interaction_jobs(context, 48)
    monkeypatch.setattr("somite.study.cost.seconds_per_step", lambda context, jobs: 0.5)
    steps = 2 * 10 * 2 * (4 + 24)  # checkpoints, components and unions, chains, steps
    assert sum(job.cost for job in jobs) == steps
    said = cost_in_words(context, jobs, 2)
    assert said.startswith(
        "interactions at 2 checkpoints: 1,120 chain steps, about 5 minutes on 2 w"
    )
    assert "the same command goes on" in said
    assert "on 1 worker;" in cost_in_words(context, jobs[:1], 4)


def test_a_step_is_timed_without_what_comes_before(smoke_run, monkeypatch):
    context = context_of(smoke_run)
    jobs = interaction_jobs(context, 60)
    monkeypatch.setattr("somite.study.cost._trial", lambda *given: 7 + 0.1 * given[-1])
    assert seconds_per_step(context, jobs) == pytest.approx(0.1 / (TRIED * 2))


def test_what_is_tried_is_spread_over_all_components_and_unions(smoke_run, monkeypatch):
    monkeypatch.setattr("somite.study.jobs.TOGETHER", 3)
    jobs = interaction_jobs(context_of(smoke_run), 60)
    names = [name for job in jobs for name in job.cell.identity["components"]]
    assert spread_names(jobs) == [names[i] for i in (1, 3, 6, 8)]
    assert spread_names(jobs + interaction_jobs(context_of(smoke_run), 48)) == spread_names(jobs)
    assert spread_names(jobs[-1:]) == names[-1:]


def test_a_trial_leaves_nothing_in_the_store(smoke_copy):
    jobs = interaction_jobs(context_of(smoke_copy), 60)
    before = sorted(smoke_copy.rglob("*"))
    assert 0 <= seconds_per_step(context_of(smoke_copy), jobs) < 1
    assert sorted(smoke_copy.rglob("*")) == before


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.1, "1 second"),
        (1, "1 second"),
        (119, "119 seconds"),
        (7000, "117 minutes"),
        (8000, "2.2 hours"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_a_trial_does_not_count_what_other_processes_take():
    now = clock("cpu")
    start = now()
    time.sleep(0.2)
    assert now() - start < 0.1
