"""somite's chains, timed: what a step costs, and a step at which the checks are made.

somite tries acceptance and gradient noise at 4 steps of every chain, which costs four gradients
more each. A short run would pay for them as often as a long one: both kinds of step are timed, and
put together as in a chain of the default length.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from torch import Tensor

import somite as so
from somite.models import Transformer, next_token_loss
from speed.heads_model import batch_size, heads, trained
from speed.timing import TrainingStep

N_BETA, LOCALIZATION, STEP_SIZE = 100.0, 300.0, 2e-3
CHAINS, BURN_IN, DRAWS, CHECKED = 4, 50, 200, 4
"""A run of somite's default length, and the checked steps of each of its chains."""


@dataclass(frozen=True)
class Cost:
    """Seconds of a run.

    Args:
        setup: Before the first step.
        plain: Per chain step.
        checked: Per chain step at which the checks are made.
    """

    setup: float
    plain: float
    checked: float

    @property
    def step(self) -> float:
        """Seconds per chain step in a chain of the default length, its checks included."""
        return self.plain + CHECKED / (BURN_IN + DRAWS) * (self.checked - self.plain)


def target(rows: Tensor) -> so.Target:
    """The posterior of both sides."""
    return so.Target(next_token_loss, rows, N_BETA, LOCALIZATION)


def chosen(model: Transformer, layer: int | None) -> dict[str, so.Mask]:
    """Masks of the heads of a layer, or of all."""
    masks = so.components(model, "heads")
    return {name: masks[name] for name in heads(model.config, layer)}


def somite_cost(layer: int | None, draws: int, checkpoint: int, tiny: bool) -> Cost:
    """One chain of all heads of a layer, or of all, in one call."""
    model, rows = _trained(tiny)
    masks = chosen(model, layer)
    return chain_cost(model, rows, masks, batch_size(tiny), draws, checkpoint)


def chain_cost(
    model: Transformer,
    rows: Tensor,
    components: str | dict[str, so.Mask],
    batch: int,
    draws: int,
    checkpoint: int = 0,
    kernel: Any = None,
) -> Cost:
    """One chain of some components, timed; a kernel of one's own if the step is to be small."""
    stamps = [(0, time.perf_counter())]
    so.sample(
        model,
        target(rows),
        kernel or so.SGLD(STEP_SIZE),
        components=components,
        batch_size=batch,
        chains=1,
        burn_in=1,
        draws=draws,
        probe_every=draws,
        checkpoint=checkpoint,
        progress=lambda done, total: stamps.append((done, time.perf_counter())),
    )
    return cost(stamps, 1 if components == "full" else len(components))


def cost(stamps: list[tuple[int, float]], width: int) -> Cost:
    """From (chain steps done, time): a plain step, a checked one, then plain ones, so many wide."""
    (_, begin), (_, first), (_, second) = stamps[:3]
    if [done for done, _ in stamps[:3]] != [0, width, 2 * width]:
        raise ValueError(f"expected progress after every {width} chain steps, got {stamps[:3]}")
    done, end = stamps[-1]
    plain = (end - second) / (done - 2 * width)
    return Cost(first - begin - plain * width, plain, (second - first) / width)


def somite_losses(repeats: int, draws: int, seed: int, tiny: bool) -> dict[str, Any]:
    """Losses of every draw from the first step on, in so many chains of all heads.

    Returns:
        `loss` and `center_loss` as arrays (head, chain, draw), and `seconds`.
    """
    model, rows = _trained(tiny)
    begin = time.perf_counter()
    found = so.sample(
        model,
        target(rows),
        so.SGLD(STEP_SIZE),
        batch_size=batch_size(tiny),
        chains=repeats,
        burn_in=0,
        draws=draws,
        probe_every=draws,
        seed=seed,
    )
    losses = {name: found[name].values for name in ("loss", "center_loss")}
    return {**losses, "seconds": time.perf_counter() - begin}


def training_step(steps: int, tiny: bool) -> float:
    """Seconds of a plain training step."""
    model, rows = trained(tiny)
    return TrainingStep(model).seconds(rows[: batch_size(tiny)], steps)


@lru_cache(maxsize=1)
def _trained(tiny: bool) -> tuple[Transformer, Tensor]:

    return trained(tiny)
