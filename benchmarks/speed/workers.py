"""Processes with a fixed number of threads each, kept from the first repeat to the last."""

import multiprocessing as mp
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from somite.core.threads import torch_threads

ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**25)}
"""What the workers of a study get too: freed memory is kept, not given back at every step."""

Run = Callable[[Callable[..., Any], Sequence[tuple[Any, ...]]], list[Any]]


@contextmanager
def workers(processes: int, threads: int) -> Iterator[Run]:
    """So many processes of so many threads; 0 processes work here, on one thread.

    Yields:
        run(function, arguments): one call per tuple of arguments, all at the same time.
    """
    with ExitStack() as stack:
        if processes == 0:
            stack.enter_context(torch_threads(1))
            yield lambda function, arguments: [function(*a) for a in arguments]
            return
        added = {"OMP_NUM_THREADS": str(threads), **ALLOCATOR}
        before = {name: os.environ.get(name) for name in added}
        pool = ProcessPoolExecutor(
            processes, mp.get_context("spawn"), torch.set_num_threads, (threads,)
        )
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        os.environ.update(added)
        try:  # a worker takes its environment when it starts, with the first calls
            for future in [pool.submit(torch.get_num_threads) for _ in range(processes)]:
                assert future.result() == threads
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})

        def run(function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
            return [f.result() for f in [pool.submit(function, *a) for a in arguments]]

        yield run
