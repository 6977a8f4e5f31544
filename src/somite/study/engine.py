"""Engines: where the jobs of a study run. The numbers do not depend on it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from somite.core.processes import start_worker, worker_pool
from somite.core.threads import available_cores
from somite.study.context import Context
from somite.study.jobs import THREADS, Job
from somite.study.pool import Advance, run_jobs


class Runner(Protocol):
    """An engine that is running: does jobs and stores their cells."""

    @property
    def workers(self) -> int:
        """Jobs that it does at once."""
        ...

    def run(self, jobs: Sequence[Job], context: Context, advance: Advance) -> None:
        """Do all jobs; `advance` is told of the work done so far, in their unit of cost."""
        ...

    def calls(
        self, function: Callable[..., Any], places: Mapping[Path, tuple[Any, ...]]
    ) -> Iterator[tuple[Path, Any]]:
        """Call function(folder, *arguments) for each: the folders and results as they come.

        On a cluster the function gets a folder of the same name on its node, which is removed in
        the end: only what it returns comes back.
        """
        ...


class Engine(Protocol):
    """Where jobs run."""

    def start(self, workers: int | None, device: str) -> AbstractContextManager[Runner]:
        """Get ready for so many jobs at once, None for as many as fit; ends with the block."""
        ...


@dataclass(frozen=True)
class Local:
    """Processes on this machine."""

    @contextmanager
    def start(self, workers: int | None, device: str) -> Iterator[Runner]:
        """Processes begin with the jobs."""
        yield _LocalRunner(usual_workers(device, workers))


@dataclass(frozen=True)
class _LocalRunner:
    workers: int

    def run(self, jobs: Sequence[Job], context: Context, advance: Advance) -> None:
        """Do all jobs in a pool of processes."""
        run_jobs(jobs, context, self.workers, advance)

    def calls(
        self, function: Callable[..., Any], places: Mapping[Path, tuple[Any, ...]]
    ) -> Iterator[tuple[Path, Any]]:
        """Call the function in a pool of processes."""
        with worker_pool(min(self.workers, len(places)), start_worker, THREADS) as pool:
            futures = {
                pool.submit(function, folder, *own): folder for folder, own in places.items()
            }
            for future in as_completed(futures):
                yield futures[future], future.result()


def usual_workers(device: str, asked: int | None) -> int:
    """As many workers as asked for; by default one per core, and one on a GPU, which they share.

    Example:
        >>> usual_workers("cuda", None), usual_workers("cpu", 3)
        (1, 3)
    """
    if asked is not None:
        return asked
    return available_cores() if device == "cpu" else 1
