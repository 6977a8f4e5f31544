"""A long run without bias at given settings: Hamiltonian Monte Carlo with a tuned step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

import somite as so
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.target import Target

WANTED = (0.65, 0.9)
"""Share of accepted trajectories."""
FACTOR = 0.8
MOST_PILOTS = 12


@dataclass(frozen=True)
class Reference:
    """Estimate of a long run.

    Args:
        llc: Estimate.
        mcse: Its Monte Carlo error.
        r_hat: Of the losses.
        acceptance: Share of accepted trajectories.
        step_size: Of the leapfrog.
    """

    llc: float
    mcse: float
    r_hat: float
    acceptance: float
    step_size: float


def long_run(model: nn.Module, target: Target, step: float, draws: int) -> Reference:
    """Four chains of Hamiltonian Monte Carlo.

    Args:
        model: The center.
        target: Loss, data and scale.
        step: First guess of the step; it is changed until acceptance is as wanted.
        draws: Per chain.
    """
    kernel = tuned(model, target, step)
    settings: dict[str, Any] = {
        "batch_size": None,
        "chains": 4,
        "burn_in": draws // 10,
        "draws": draws,
    }
    found = so.sample(model, target, kernel, components="full", seed=7, **settings)
    table = so.llc(found)
    numbers = (table.llc.item(), table.mcse.item(), table.r_hat.item())
    return Reference(*numbers, float(found.acceptance.mean()), kernel.step_size)


def tuned(
    model: nn.Module,
    target: Target,
    step: float,
    kind: Callable[[float], Kernel] = so.HMC,
    wanted: tuple[float, float] = WANTED,
) -> Kernel:
    """A kernel with a step of which as many proposals are accepted as wanted."""
    rejected, accepted = float("inf"), 0.0
    for _ in range(MOST_PILOTS):
        rate = _acceptance(model, target, kind(step))
        if wanted[0] <= rate <= wanted[1]:
            break
        rejected, accepted = (step, accepted) if rate < wanted[0] else (rejected, step)
        if rejected < float("inf") and accepted > 0:
            step = (rejected * accepted) ** 0.5
        else:
            step *= FACTOR if rate < wanted[0] else 1 / FACTOR
    return kind(step)


def _acceptance(model: nn.Module, target: Target, kernel: Kernel) -> float:
    settings: dict[str, Any] = {
        "batch_size": None,
        "chains": 2,
        "burn_in": 10,
        "draws": 40,
        "seed": 3,
    }
    found = so.sample(model, target, kernel, components="full", **settings)
    return float(found.acceptance.mean())
