"""The cost of interactions, told before it is paid."""

import pytest

from somite.study.cost import cost_in_words, duration, seconds_per_step
from somite.study.jobs import interaction_jobs
from unit.study.finished import context_of

pytestmark = pytest.mark.xdist_group("smoke")


def test_the_cost_names_checkpoints_steps_time_and_workers(smoke_run, monkeypatch):
    context = context_of(smoke_run)
    jobs = interaction_jobs(context, 60) + interaction_jobs(context, 48)
    monkeypatch.setattr("somite.study.cost.seconds_per_step", lambda context, job: 0.5)
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
    (job,) = interaction_jobs(context, 60)
    monkeypatch.setattr("somite.study.cost._trial", lambda context, job, draws: 7 + 0.1 * draws)
    assert seconds_per_step(context, job) == pytest.approx(0.1 / (2 * 2))


def test_a_trial_leaves_nothing_in_the_store(smoke_copy):
    (job,) = interaction_jobs(context_of(smoke_copy), 60)
    before = sorted(smoke_copy.rglob("*"))
    assert 0 <= seconds_per_step(context_of(smoke_copy), job) < 1
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
