"""How many chains, how long, and where their random numbers come from."""

import math
from dataclasses import dataclass

from somite.core.checks import at_least


@dataclass(frozen=True)
class ChainSettings:
    """How many chains, how long, and where their random numbers come from.

    Args:
        batch_size: Examples per minibatch, drawn with replacement.
        chains: Chains per component.
        burn_in: Steps before the first kept draw.
        draws: Kept draws per chain.
        thin: Steps per kept draw.
        probe_every: Kept draws per record of the probes.
        seed: Root of all random streams.
        checkpoint: Name of the center among the streams, such as its training step.
    """

    batch_size: int = 32
    chains: int = 4
    burn_in: int = 50
    draws: int = 200
    thin: int = 1
    probe_every: int = 4
    seed: int = 0
    checkpoint: int = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        for name in ("batch_size", "chains", "draws", "thin", "probe_every"):
            at_least(name, getattr(self, name), 1)
        for name in ("burn_in", "seed", "checkpoint"):
            at_least(name, getattr(self, name), 0, "Give a plain whole number.")

    @property
    def steps(self) -> int:
        """Steps of one chain, the last draw's included."""
        return self.burn_in + (self.draws - 1) * self.thin + 1

    @property
    def probe_draws(self) -> int:
        """Records of the probes per chain."""
        return math.ceil(self.draws / self.probe_every)

    def draw_at(self, step: int) -> int | None:
        """Number of the draw kept at a step; None if none is."""
        kept, rest = divmod(step - self.burn_in, self.thin)
        return kept if kept >= 0 and rest == 0 else None
