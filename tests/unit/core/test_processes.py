"""A worker computes on the threads that it is given and leaves Ctrl-C to its parent."""

import multiprocessing as mp
import signal
from concurrent.futures import ProcessPoolExecutor

import torch

from somite.core.processes import start_worker


def test_a_worker_is_set_up():
    spawn = mp.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, start_worker, (1,)) as pool:
        assert pool.submit(torch.get_num_threads).result() == 1
        assert pool.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
