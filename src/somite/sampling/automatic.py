"""As many draws as a requested error asks for.

The Monte Carlo error falls with the root of the number of draws N: after a first stretch the number
that is still needed is N·(error/requested)², a little more for safety; the chains go on from where
they are. The numbers are those of one run with the final number of draws.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from somite.sampling.convergence import loss_error
from somite.sampling.draws import REFERENCE, ChainRecord
from somite.sampling.settings import ChainSettings
from somite.sampling.walker import Walker

FIRST_DRAWS = 64
SAFETY = 1.1
MOST_GROWTH = 4.0
LEAST_GROWTH = 1.25


class ChainOfAll(Protocol):
    """One chain of every component."""

    walkers: dict[str, Walker]


def sample_to_error(
    advance: Callable[[int], None], walks: Sequence[ChainOfAll], plan: ChainSettings
) -> tuple[int, float]:
    """Advance all chains until the worst relative error is the requested one, or to the limit.

    Args:
        advance: Walks all chains on to a number of draws.
        walks: The chains, each with all components.
        plan: Requested error and most draws.

    Returns:
        Number of draws per chain, and the worst relative error of the components that are alive;
        NaN if none is.
    """
    draws = min(FIRST_DRAWS, plan.most_draws)
    while True:
        advance(draws)
        worst = max((relative_error(records) for records in _alive(walks)), default=math.nan)
        if not worst > plan.error or draws == plan.most_draws:
            return draws, worst
        growth = min(max(SAFETY * (worst / plan.error) ** 2, LEAST_GROWTH), MOST_GROWTH)
        draws = min(math.ceil(growth * draws), plan.most_draws)


def relative_error(records: Sequence[ChainRecord]) -> float:
    """Monte Carlo error of the mean loss over the mean itself; infinite if it cannot be had."""
    losses = np.array([record.loss for record in records])
    probes = np.array([record.probe_loss.get(REFERENCE, []) for record in records])
    error, mean = loss_error(losses, probes), abs(float(losses.mean()))
    return error / mean if mean > 0 and math.isfinite(error) else math.inf


def _alive(walks: Sequence[ChainOfAll]) -> list[list[ChainRecord]]:
    """Records of the chains of each component that have not failed; no component without one."""
    found = []
    for name in walks[0].walkers:
        records = [walk.walkers[name].record for walk in walks if walk.walkers[name].alive]
        if records:
            found.append(records)
    return found
