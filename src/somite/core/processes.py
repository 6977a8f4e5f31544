"""Worker processes that stop with their parent, and pools that leave none behind."""

import multiprocessing as mp
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from typing import Any

import torch

from somite.core.errors import InputError


@contextmanager
def worker_pool(
    workers: int, initializer: Callable[..., None], *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; all are ended when the block is left, done or not.

    Args:
        workers: How many.
        initializer: Called first in each, such as `start_worker`.
        arguments: For the initializer.

    Raises:
        InputError: If a worker dies.
    """
    spawn = mp.get_context("spawn")
    pool = ProcessPoolExecutor(
        workers, mp_context=spawn, initializer=initializer, initargs=arguments
    )
    try:
        yield pool
    except BrokenProcessPool as error:
        remedy = "Most likely the memory was full: run it again with fewer --workers."
        raise InputError("workers", "must stay alive", "one that died", remedy) from error
    finally:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def start_worker(threads: int) -> None:
    """Begin a worker: so many threads of PyTorch, deaf to Ctrl-C, gone when its parent is.

    The parent hears Ctrl-C too, and ends its workers.

    Args:
        threads: Threads of PyTorch inside one operation.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """End this worker when the process that started it is gone, even if that was killed."""
    parent = mp.parent_process()
    assert parent is not None
    wait_for([parent.sentinel])
    os._exit(1)
