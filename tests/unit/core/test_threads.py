"""Jobs side by side in threads: their numbers, their errors, their end."""

import threading
import time
from functools import partial

import pytest
import torch

from somite.core.threads import side_by_side


def total(seed, check):
    """A number that depends on the order of sums."""
    check()
    return float(torch.randn(300, 300, generator=torch.Generator().manual_seed(seed)).sum())


def test_the_results_are_those_of_one_job_after_another():
    jobs = [partial(total, seed) for seed in range(5)]
    assert side_by_side(jobs, 3) == side_by_side(jobs, 1) == [job(int) for job in jobs]
    assert side_by_side([], 2) == []


def test_every_job_has_one_thread_and_the_callers_number_comes_back():
    before = torch.get_num_threads()
    seen = side_by_side([lambda check: torch.get_num_threads()] * 2, 2)
    assert seen == [1, 1]
    assert torch.get_num_threads() == before


def test_an_error_ends_the_others_and_is_raised():
    ended = threading.Event()

    def endless(check):
        try:
            while True:
                check()
                time.sleep(0.001)
        finally:
            ended.set()

    def wrong(check):
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        side_by_side([endless, wrong, endless], 2)
    assert ended.is_set()
