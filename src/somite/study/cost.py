"""What sampling will cost, told before it is paid: measured on a few steps of the work itself."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from somite.core.threads import torch_threads
from somite.study.context import Context
from somite.study.engine import Runner
from somite.study.jobs import THREADS, Job, execute
from somite.study.run import Watch

Cost = Callable[[Context, Sequence[Job], int, str], str]
SHORT = 8
"""Fewest draws of a trial; what it costs alike with twice as many, such as loading the model, is
not counted."""
TRIED = 4
"""Components of a trial, evenly spread over all: those of different kinds cost differently."""


def run_missing(
    jobs: Sequence[Job],
    context: Context,
    runner: Runner,
    watch: Watch,
    what: str,
    cost: Cost | None = None,
) -> None:
    """Do the jobs whose cells are not there yet, having said what they cost.

    Args:
        jobs: What is wanted.
        context: Where everything is.
        runner: Does the jobs.
        watch: Is told of the cost, and of the progress.
        what: What they find, in words.
        cost: Says what they cost; by default in chain steps.
    """
    missing = [job for job in jobs if not job.cell.exists(context.run)]
    if missing:
        watch.say((cost or cost_in_words)(context, missing, runner.workers, what))
        watch.phase(what, float(sum(job.cost for job in missing)))
        runner.run(missing, context, watch.advance)


def cost_in_words(
    context: Context, jobs: Sequence[Job], workers: int, what: str = "interactions"
) -> str:
    """Chain steps of some jobs and the time that they will take.

    Args:
        context: Where everything is.
        jobs: What is to be done; at least one.
        workers: Jobs at once.
        what: What they sample.
    """
    steps = sum(job.cost for job in jobs)
    at_once = min(workers, len(jobs))
    taken = duration(steps * seconds_per_step(context, jobs) / at_once)
    places = len({job.step for job in jobs})
    checkpoints = f"{places} checkpoint{'' if places == 1 else 's'}"
    processes = f"{at_once} worker{'' if at_once == 1 else 's'}"
    return (
        f"{what} at {checkpoints}: {steps:,} chain steps, about {taken} on {processes}; "
        "stopped at any moment, the same command goes on"
    )


def seconds_per_step(context: Context, jobs: Sequence[Job]) -> float:
    """Seconds of a chain step, from two short runs of a few of the components of some jobs."""
    job, tried = jobs[-1], spread_names(jobs)
    every: int = job.cell.identity["settings"]["probe_every"]
    few = -(-SHORT // every) * every  # twice as many draws then have twice as many probes
    with torch_threads(THREADS):
        _trial(context, job, tried, few)  # loads the corpus
        short, long = (_trial(context, job, tried, draws) for draws in (few, 2 * few))
    chains: int = job.cell.identity["settings"]["chains"]
    return max(long - short, 0.0) / (len(tried) * chains * few)


def spread_names(jobs: Sequence[Job]) -> list[str]:
    """A few components and unions of some jobs, the middle of each equal part of all of them."""
    names = list(dict.fromkeys(name for job in jobs for name in job.cell.identity["components"]))
    count = min(TRIED, len(names))
    return [names[(2 * part + 1) * len(names) // (2 * count)] for part in range(count)]


def clock(device: str) -> Callable[[], float]:
    """What tells the seconds of a trial: those of this process alone, unless a GPU does the work.

    On a busy machine the wall would count what other processes take.
    """
    return time.process_time if device == "cpu" else time.perf_counter


def duration(seconds: float) -> str:
    """A time in the unit that fits.

    Example:
        >>> duration(40), duration(600), duration(9000)
        ('40 seconds', '10 minutes', '2.5 hours')
    """
    if seconds >= 7200:
        return f"{seconds / 3600:.1f} hours"
    if seconds >= 120:
        return f"{seconds / 60:.0f} minutes"
    return f"{max(1, round(seconds))} second{'' if round(seconds) <= 1 else 's'}"


def _trial(context: Context, job: Job, components: list[str], draws: int) -> float:
    """Seconds that so many draws of some components take, at the settings of a job."""
    identity = job.cell.identity
    shorter = {
        "settings": identity["settings"] | {"burn_in": 0, "draws": draws},
        "components": components,
    }
    short = replace(job, cell=replace(job.cell, identity=identity | shorter))
    with tempfile.TemporaryDirectory() as folder:
        elsewhere = replace(context, run=Path(folder))
        now = clock(context.device)
        start = now()
        execute(short, elsewhere, lambda done, total: None)
        return now() - start
