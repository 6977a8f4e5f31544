"""One chain of one component on its way."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from somite.components.patch import Noise, Patch
from somite.core.random import stream
from somite.sampling.draws import ChainRecord
from somite.sampling.kernels.kernel import Place, Point
from somite.sampling.views import View


@dataclass
class Walker:
    """Where a chain of one component is, what it carries, and what it has recorded.

    Args:
        patch: The moved weights.
        view: Losses of a batch at moved weights.
        noise: One stream for each unit of the weights.
        names: Of the chain's other streams: (seed, checkpoint, chain).
        record: What it recorded.
        place: Where it is.
        state: What its kernel carries.
        noisy: The point whose gradient is to be compared with that on another minibatch.
    """

    patch: Patch
    view: View
    noise: Noise
    names: tuple[int, int, int]
    record: ChainRecord = field(default_factory=ChainRecord)
    place: Place = field(init=False)
    state: Any = None
    noisy: Point | None = None

    def __post_init__(self) -> None:
        """Start at the center."""
        self.place = self.patch.center
        self._accept = stream(*self.names, "accept")
        self._check = stream(*self.names, "acceptance check")

    @property
    def alive(self) -> bool:
        """Whether the chain has not failed."""
        return not self.record.status

    @property
    def weights(self) -> Tensor:
        """Where it is (d,)."""
        return self.place.weights if isinstance(self.place, Point) else self.place

    def uniform(self) -> float:
        """Number on [0, 1) that accepts or rejects."""
        return float(torch.rand(1, generator=self._accept))

    def check_noise(self) -> Tensor:
        """Noise of a trial step that is not taken; the chain's own noise stays untouched (d,)."""
        center = self.patch.center
        drawn = torch.randn(center.shape, generator=self._check, dtype=center.dtype)
        return drawn.to(center.device)
