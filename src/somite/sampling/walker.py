"""One chain of one component on its way."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from somite.components.patch import Noise, Patch
from somite.components.spans import Span
from somite.core.random import stream
from somite.sampling.draws import ChainRecord
from somite.sampling.kernels.kernel import Kernel, Place, Point, Scene
from somite.sampling.views import View

T = TypeVar("T")


@dataclass
class Walker:
    """Where a chain of one component is, what it carries, and what it has recorded.

    Args:
        patch: The moved weights.
        view: Losses of a batch at moved weights.
        noise: One stream for each unit of the weights.
        names: Of the chain's other streams: (seed, checkpoint, chain).
        spans: In which its weights are stepped, one after the other.
        record: What it recorded.
        place: Where it is; None for the center.
        states: What its kernel carries, for each span; none before the first step.
    """

    patch: Patch
    view: View
    noise: Noise
    names: tuple[int, int, int]
    spans: Sequence[Span]
    record: ChainRecord = field(default_factory=ChainRecord)
    place: Place | None = None
    states: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the streams."""
        self._accept = stream(*self.names, "accept")
        self._check = stream(*self.names, "acceptance check")

    @property
    def alive(self) -> bool:
        """Whether the chain has not failed."""
        return not self.record.status

    @property
    def long(self) -> bool:
        """Whether it has more than one span: its weights are its own, and stepped in place."""
        return len(self.spans) > 1

    @property
    def weights(self) -> Tensor:
        """Where it is (d,)."""
        if self.place is None:
            return self.patch.center
        return self.place.weights if isinstance(self.place, Point) else self.place

    def start(self, kernel: Kernel, scenes: Iterable[Scene]) -> None:
        """Begin at the center."""
        self.place = self.patch.center  # if long, a copy of its own
        self.states = [kernel.start(scene) for scene in scenes]

    def leave(self, here: Point, kernel: Kernel, scenes: Iterable[Scene]) -> None:
        """Step from a point; long weights are overwritten span by span."""
        self.place = here.weights
        for i, (span, scene) in enumerate(zip(self.spans, scenes, strict=True)):
            part = here.of(span.entries) if self.long else here
            place, self.states[i] = kernel.step(part, self.states[i], scene)
            if self.long and isinstance(place, Tensor):
                here.weights[span.entries] = place
            else:
                self.place = place

    def mean_step(self, kernel: Kernel) -> Tensor:
        """Mean ε of its weights, in double precision."""
        sums = [
            torch.as_tensor(kernel.diffusion(state)).mean().double() * sum(span.sizes)
            for span, state in zip(self.spans, self.states, strict=True)
        ]
        return torch.stack(sums).sum() / self.patch.size

    def uniform(self) -> float:
        """Number on [0, 1) that accepts or rejects."""
        return float(torch.rand(1, generator=self._accept))

    def check_noise(self, span: Span | None = None) -> Tensor:
        """Noise of a trial step that is not taken; the chain's own noise stays untouched (d,)."""
        like, size = self.patch.like, sum((span or self.patch.whole).sizes)
        drawn = torch.randn(size, generator=self._check, dtype=like.dtype)
        return drawn.to(like.device)

    def repeated(self, make: Callable[[], Iterator[T]]) -> Callable[[], Iterator[T]]:
        """What draws noise of a trial step, with the same noise at every call."""
        before = self._check.get_state()

        def again() -> Iterator[T]:
            self._check.set_state(before)
            return make()

        return again
