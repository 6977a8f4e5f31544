"""Named random streams: one independent generator for each purpose, derived from one seed."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def stream_seed(*names: object) -> int:
    """Seed of the stream with these names: the first 63 bits of SHA-256 of their text.

    Args:
        names: What the stream is for, most general first; `repr` of each enters.

    Returns:
        A whole number in [0, 2⁶³).

    Example:
        >>> stream_seed(0, "noise", "W_Q", 3) == stream_seed(0, "noise", "W_Q", 3)
        True
    """
    digest = hashlib.sha256("\x1f".join(repr(name) for name in names).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(*names: object) -> torch.Generator:
    """CPU generator of the stream with these names.

    Streams live on the CPU whatever the device of the model, so that a chain draws the same
    numbers everywhere.

    Example:
        >>> torch.randn(1, generator=stream(0, "a")) == torch.randn(1, generator=stream(0, "a"))
        tensor([True])
    """
    return torch.Generator().manual_seed(stream_seed(*names))


@contextmanager
def kept_random(*generators: torch.Generator) -> Iterator[None]:
    """Whatever is drawn inside, afterwards the random state is what it was before.

    That of PyTorch on the CPU and on all CUDA devices, of NumPy and of Python.

    Args:
        generators: More generators to keep, such as that of a shuffling loader.

    Example:
        >>> before = torch.get_rng_state()
        >>> with kept_random():
        ...     drawn = torch.rand(3)
        >>> torch.equal(before, torch.get_rng_state())
        True
    """
    states = [generator.get_state() for generator in generators]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    try:
        with torch.random.fork_rng(devices=list(devices)):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
