import random

import numpy as np
import pytest
import torch

from somite.core.random import kept_random, stream, stream_seed


def test_names_are_kept_apart():
    names = [(0,), (1,), ("0",), (0, 1), (1, 0), (0, "1"), ("01",), (0, None), ("a", "b"), ("ab",)]
    assert len({stream_seed(*n) for n in names}) == len(names)
    assert all(0 <= stream_seed(*n) < 2**63 for n in names)


def test_streams_repeat_and_leave_the_global_state_alone():
    before = torch.get_rng_state()
    first, again = (torch.randn(5, generator=stream(0, "noise", 3)) for _ in range(2))
    other = torch.randn(5, generator=stream(0, "noise", 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_neighbouring_streams_are_uncorrelated():
    draws = torch.stack([torch.randn(2000, generator=stream(0, chain)) for chain in range(8)])
    correlation = torch.corrcoef(draws).fill_diagonal_(0)
    assert correlation.abs().max() < 4.5 / 2000**0.5


def draws() -> list[object]:
    """One number of each kind of random state."""
    kinds = (torch.rand(1).item(), random.random(), np.random.rand())  # noqa: NPY002
    return [*kinds, torch.rand(1, generator=OWN).item()]


OWN = torch.Generator().manual_seed(0)


def test_the_random_state_is_kept():
    with kept_random(OWN):
        first = draws()
    with kept_random(OWN):
        again = draws()
    assert again == first == draws()
    assert not set(first) & set(draws())


def fail() -> None:
    with kept_random(OWN):
        draws()
        raise KeyError


def test_it_is_kept_when_the_block_fails():
    before = torch.get_rng_state()
    with pytest.raises(KeyError):
        fail()
    assert torch.equal(before, torch.get_rng_state())
