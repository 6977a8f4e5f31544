"""Worker processes that stop with their parent."""

import multiprocessing as mp
import os
import signal
import threading
from multiprocessing.connection import wait as wait_for

import torch


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
