"""A fixed number of PyTorch threads (the last bits of a sum depend on it), and jobs in threads."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import torch

Result = TypeVar("Result")
Job = Callable[[Callable[[], None]], Result]
"""Work that calls its argument often, and may be ended there."""


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Compute with so many threads; afterwards the caller's number is back.

    Args:
        number: Threads of PyTorch inside one operation.

    Example:
        >>> before = torch.get_num_threads()
        >>> with torch_threads(1):
        ...     torch.get_num_threads()
        1
        >>> torch.get_num_threads() == before
        True
    """
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def available_cores() -> int:
    """Number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Halt(Exception):
    """A job was told to end, since another failed or the user stopped all."""


def side_by_side(jobs: Sequence[Job[Result]], workers: int) -> list[Result]:
    """Do jobs in threads of this process, each with one thread of PyTorch.

    PyTorch's operations let go of the interpreter, so that threads of one process share data and
    still compute at once. The numbers are those of one job after another.

    Args:
        jobs: Each is given a function that it calls often: it ends the job when all are to end.
        workers: Jobs at once.

    Returns:
        What the jobs return, in their order.

    Raises:
        Exception: What a job raised, as soon as it did; the others are ended.

    Example:
        >>> side_by_side([lambda check: 1, lambda check: 2], workers=2)
        [1, 2]
    """
    halted = threading.Event()

    def check() -> None:
        if halted.is_set():
            raise Halt

    with torch_threads(1), ThreadPoolExecutor(max(workers, 1)) as pool:
        flying = [pool.submit(job, check) for job in jobs]
        try:
            done, _ = wait(flying, return_when=FIRST_EXCEPTION)
            for job in done:
                job.result()
            return [job.result() for job in flying]
        finally:
            halted.set()
            for job in flying:
                job.cancel()
