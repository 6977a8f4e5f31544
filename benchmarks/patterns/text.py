"""Text of five domains for a small language model: Markov chains, repeats, noise."""

from collections.abc import Mapping

import torch
from torch import Tensor

from somite.core.random import stream
from somite.data import markov_rows, markov_table

VOCABULARY, CONTEXT = 32, 32
SHARES: Mapping[str, float] = {
    "order 1": 0.25, "order 2": 0.2, "short repeats": 0.15, "long repeats": 0.15, "noise": 0.25
}  # fmt: skip
"""Share of each domain in the training data."""
PERIODS = {"short repeats": (4, 7), "long repeats": (10, 14)}


def text(seed: int, rows: Mapping[str, int], purpose: str) -> dict[str, Tensor]:
    """Rows of each domain; the tables of the chains are the same for every purpose.

    Args:
        seed: Of everything.
        rows: How many of each domain.
        purpose: "training", "probes", …: other rows.
    """
    return {name: _domain(name, seed, count, purpose) for name, count in rows.items()}


def repeats(count: int, shortest: int, longest: int, generator: torch.Generator) -> Tensor:
    """Random strings of random periods, over and over (row, position)."""
    period = torch.randint(shortest, longest + 1, (count, 1), generator=generator)
    string = torch.randint(VOCABULARY, (count, longest), generator=generator)
    return string.gather(1, torch.arange(CONTEXT) % period)


def _domain(name: str, seed: int, count: int, purpose: str) -> Tensor:
    generator = stream("patterning", seed, purpose, name)
    if name in PERIODS:
        return repeats(count, *PERIODS[name], generator)
    if name == "noise":
        return torch.randint(VOCABULARY, (count, CONTEXT), generator=generator)
    table = markov_table(VOCABULARY, int(name.split()[1]), stream("patterning", seed, name))
    return markov_rows(table, count, CONTEXT, generator)
