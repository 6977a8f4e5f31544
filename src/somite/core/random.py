"""Named random streams: one independent generator for each purpose, derived from one seed."""

import hashlib

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
