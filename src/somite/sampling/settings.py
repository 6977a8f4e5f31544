"""How many chains, how long, and where their random numbers come from."""

import math
from dataclasses import dataclass
from typing import Literal

from somite.core.checks import at_least, one_of, positive
from somite.core.errors import InputError

PRECISIONS = ("full", "bf16")


@dataclass(frozen=True)
class ChainSettings:
    """How many chains, how long, and where their random numbers come from.

    Args:
        batch_size: Examples per minibatch, drawn with replacement; None for the whole data, every
            example once (full gradients).
        accumulate: Parts into which a minibatch is cut to save memory; the gradients are averaged.
        chains: Chains per component.
        burn_in: Steps before the first kept draw; preconditioners adapt during these alone.
        draws: Kept draws per chain, or "auto": as many as `error` asks for.
        error: With "auto", the relative Monte Carlo error that every component shall reach.
        most_draws: With "auto", the most draws per chain.
        thin: Steps per kept draw.
        probe_every: Kept draws per record of the probes.
        seed: Root of all random streams.
        checkpoint: Name of the center among the streams, such as its training step.
        control_variates: Whether losses and gradients have at the center the slope of all data
            instead of the minibatch's (SGLD-CV, Baker et al. 2019, see `somite.sampling.minibatch`),
            at the cost of one backward pass of the whole model per minibatch.
        stacked: Whether components of equal form and their chains are stepped together, as on a
            GPU; None for yes on a GPU and no on a CPU. The draws are the same to float tolerance.
        precision: "full", or "bf16" for stacked losses under autocast; the weights stay single.
        compile: Whether to compile the stacked losses and their gradient.
    """

    batch_size: int | None = 32
    accumulate: int = 1
    chains: int = 4
    burn_in: int = 50
    draws: int | Literal["auto"] = 200
    error: float = 0.02
    most_draws: int = 4000
    thin: int = 1
    probe_every: int = 4
    seed: int = 0
    checkpoint: int = 0
    control_variates: bool = False
    stacked: bool | None = None
    precision: str = "full"
    compile: bool = False

    def __post_init__(self) -> None:
        """Check before any work starts.

        Raises:
            InputError: If a setting is out of range.
        """
        for name in ("accumulate", "chains", "thin", "probe_every", "most_draws"):
            at_least(name, getattr(self, name), 1)
        positive("error", self.error, "Give a relative error such as 0.02.")
        if self.batch_size is not None:
            at_least("batch_size", self.batch_size, 1, "Give None for the whole data.")
        if self.draws != "auto":
            at_least("draws", self.draws, 1, 'Give "auto" for as many as the error asks for.')
        for name in ("burn_in", "seed", "checkpoint"):
            at_least(name, getattr(self, name), 0, "Give a plain whole number.")
        one_of("precision", self.precision, PRECISIONS)
        for name in ("stacked", "compile"):
            if getattr(self, name) not in (True, False, None):
                rule, remedy = "must be True or False", "Leave it out for the default."
                raise InputError(name, rule, getattr(self, name), remedy)

    @property
    def needs_stack(self) -> str:
        """The setting that only stacked chains have; empty if none was asked for."""
        return "precision" if self.precision != "full" else "compile" if self.compile else ""

    def full_batch(self, n: int) -> bool:
        """Whether each step sees all n examples."""
        return self.batch_size is None or n == 1

    def chunk(self, n: int) -> int:
        """Examples per pass that fit into memory with a backward pass."""
        size = n if self.full_batch(n) else self.batch_size or n
        return math.ceil(size / self.accumulate)

    @property
    def automatic(self) -> bool:
        """Whether the number of draws is still open."""
        return self.draws == "auto"

    def steps(self, draws: int) -> int:
        """Steps of a chain up to a number of draws, the last draw's included."""
        return self.burn_in + (draws - 1) * self.thin + 1

    def probe_draws(self, draws: int) -> int:
        """Records of the probes per chain."""
        return math.ceil(draws / self.probe_every)

    def draw_at(self, step: int) -> int | None:
        """Number of the draw kept at a step; None if none is."""
        kept, rest = divmod(step - self.burn_in, self.thin)
        return kept if kept >= 0 and rest == 0 else None

    def probe_at(self, step: int) -> int | None:
        """Number of the record of the probes made at a step; None if none is."""
        draw = self.draw_at(step)
        if draw is None or draw % self.probe_every:
            return None
        return draw // self.probe_every
