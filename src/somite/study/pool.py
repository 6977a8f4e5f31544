"""Running jobs on several processes of one thread each, with progress, stop and no orphans."""

import multiprocessing as mp
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from queue import Empty
from typing import Any

from somite.core.processes import start_worker, worker_pool
from somite.core.threads import torch_threads
from somite.study.context import Context
from somite.study.jobs import THREADS, Job, execute

REPORT_EVERY = 0.3
"""Seconds between two reports of a worker."""

# Activations are freed and taken again at every step. By default glibc gives blocks of their size
# back to the system each time, and the page faults cost up to a quarter of a step.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**25)}

Advance = Callable[[float], None]

_reports: Any = None


def run_jobs(jobs: Sequence[Job], context: Context, workers: int, advance: Advance) -> None:
    """Do all jobs; each result is stored as soon as it is there.

    The numbers do not depend on `workers`: a job always runs on one thread.

    Args:
        jobs: What to do.
        context: Where everything is.
        workers: Number of processes; 1 works in this process.
        advance: Called with the work done so far, in the jobs' unit of cost.

    Raises:
        InputError: If a job raises it, or if a worker dies.
    """
    if workers == 1 or len(jobs) <= 1:
        _run_here(jobs, context, advance)
        return
    reports = mp.get_context("spawn").Queue()
    with allocator(), worker_pool(min(workers, len(jobs)), _start_worker, reports) as pool:
        longest_first = sorted(range(len(jobs)), key=lambda i: -jobs[i].cost)
        futures = {pool.submit(_work, i, jobs[i], context): i for i in longest_first}
        _follow(futures, jobs, reports, advance)


@contextmanager
def allocator() -> Iterator[None]:
    """Environment of the workers; settings of the user's own are left alone."""
    added = [name for name in ALLOCATOR if name not in os.environ]
    os.environ.update({name: ALLOCATOR[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def _run_here(jobs: Sequence[Job], context: Context, advance: Advance) -> None:
    done = 0.0
    with torch_threads(THREADS):
        for job in jobs:

            def report(work: float, base: float = done) -> None:
                advance(base + work)

            execute(job, context, scaled(job.cost, report))
            done += job.cost
            advance(done)


def _follow(
    futures: dict[Future[None], int], jobs: Sequence[Job], reports: Any, advance: Advance
) -> None:
    """Wait for all, passing on progress; the first error ends the waiting."""
    done = [0.0] * len(jobs)
    pending = set(futures)
    while pending:
        finished, pending = wait(pending, timeout=REPORT_EVERY, return_when=FIRST_COMPLETED)
        for number, work in _arrived(reports):
            done[number] = max(done[number], work)
        for future in finished:
            future.result()
            done[futures[future]] = float(jobs[futures[future]].cost)
        advance(sum(done))


def _arrived(reports: Any) -> Iterator[tuple[int, float]]:
    """Reports that wait in the queue."""
    while True:
        try:
            yield reports.get_nowait()
        except Empty:
            return


def _start_worker(reports: Any) -> None:
    global _reports  # noqa: PLW0603 - a queue can only be inherited, not sent with a job
    _reports = reports
    start_worker(THREADS)


def _work(number: int, job: Job, context: Context) -> None:
    execute(job, context, scaled(job.cost, lambda work: _reports.put((number, work))))


def scaled(cost: int, report: Advance) -> Callable[[int, int], None]:
    """Progress callback that reports in units of cost, not more often than is useful."""
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > REPORT_EVERY:
            last = time.monotonic()
            report(cost * done / total)

    return progress
