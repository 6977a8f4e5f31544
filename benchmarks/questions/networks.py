"""Deep linear networks of every size and depth, at centers whose coefficient is known."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from somite.core.random import stream
from somite.models import DeepLinear
from somite.models.deep_linear_centers import random_center

LAYERS = (2, 10)
LARGEST_END = 40
"""Inputs and outputs are few, so that the spectrum of the Hessian is quick to compute."""
COUNTS = {2: 18, 3: 18, 4: 16, 5: 10}
"""Networks from 10^k to 10^(k+1) parameters, by k."""
GPU_COUNTS = {7: 4}
"""Further ones where a GPU is there."""
FULL_EVERY = 3
"""One network in so many has full rank in every layer; the others lose some at random."""
TRIES = 1000
CLOSE = 0.15
"""A network has its intended number of parameters within this share."""


@dataclass(frozen=True, eq=False)
class Network:
    """A deep linear network at a true parameter.

    Args:
        name: Decade and number.
        decade: k for 10^k to 10^(k+1) parameters.
        widths: From inputs to outputs.
        center: Weights, first layer first.
    """

    name: str
    decade: int
    widths: tuple[int, ...]
    center: tuple[Tensor, ...]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return count(self.widths)

    @property
    def ranks(self) -> list[int]:
        """Rank of each layer."""
        return [int(torch.linalg.matrix_rank(weight.double())) for weight in self.center]

    @property
    def reduced(self) -> bool:
        """Whether a layer has less than full rank."""
        return self.ranks != [min(weight.shape) for weight in self.center]

    def model(self, device: str = "cpu") -> DeepLinear:
        """The network in single precision, which is its own truth."""
        model = DeepLinear.from_weights([weight.float() for weight in self.center])
        return model.to(device)


def networks(counts: dict[int, int] = COUNTS) -> Iterator[Network]:
    """Networks of each decade, their sizes evenly spread over its logarithm."""
    for decade, many in counts.items():
        for i in range(many):
            generator = stream("benchmark network", decade, i)
            widths = random_widths(10 ** (decade + (i + 0.5) / many), decade, generator)
            full = [min(pair) for pair in pairwise(widths)] if i % FULL_EVERY == 0 else None
            center = tuple(random_center(widths, generator, full))
            yield Network(f"{decade}.{i}", decade, widths, center)


def random_widths(size: float, decade: int, generator: torch.Generator) -> tuple[int, ...]:
    """Random depth, ends and proportions of the hidden layers, scaled to about so many weights."""
    for _ in range(TRIES):
        layers = int(torch.randint(LAYERS[0], LAYERS[1] + 1, (), generator=generator))
        most = min(LARGEST_END, max(3, int(size**0.5 / 2)))
        first, last = torch.randint(2, most + 1, (2,), generator=generator).tolist()
        jitter = torch.randn(layers - 1, generator=generator).mul(0.4).exp().tolist()
        widths = _scaled(size, first, last, jitter)
        close = abs(math.log(count(widths) / size)) < CLOSE
        if close and 10**decade <= count(widths) < 10 ** (decade + 1):
            return widths
    raise RuntimeError(f"no network of {size:g} weights")


def count(widths: tuple[int, ...]) -> int:
    """Number of weights."""
    return sum(before * after for before, after in pairwise(widths))


def _scaled(size: float, first: int, last: int, jitter: list[float]) -> tuple[int, ...]:
    low, high = 1.0, size
    for _ in range(60):
        middle = math.sqrt(low * high)
        hidden = [max(2, round(middle * factor)) for factor in jitter]
        widths = (first, *hidden, last)
        low, high = (middle, high) if count(widths) < size else (low, middle)
    return widths
