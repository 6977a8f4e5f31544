"""Steps that adapt while draws are recorded bias the draws; steps that are frozen do not.

The averages forget after 1/(1 − decay) steps, the weights after at least ten times as many, so that
√v̂ follows |g| = |w|. Steps that are functions of the weights, ε/(|w| + offset), leave the density
exp(−a·w²/2)·(|w| + offset), whose second moment is

    E[w²]·a = (2q + offset) / (q + offset),   q = √(2/(πa)).
"""

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from laws.checks import CLEAR, LIMIT
from laws.gaussian import recording, z_score
from laws.stationary import Pull, law
from somite import AdamSGLD, RMSpropSGLD, Target, sample

WEIGHTS, N_BETA, LOCALIZATION = 200, 10.0, 0.5
PRECISION = N_BETA + LOCALIZATION
OFFSET = 0.2
CHAINS, BURN_IN, SETTLE, KEPT = 8, 60, 60, 80
STEPS = BURN_IN + SETTLE + KEPT
KINDS = [RMSpropSGLD, AdamSGLD]


class Bowl(nn.Module):
    """Many weights that know nothing of each other."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(WEIGHTS, dtype=torch.float64))


def loss(model: Bowl, rows: Tensor) -> Tensor:
    return 0.5 * model.weight.square().sum() + rows


def make(kind, adapt: str, decay: float = 0.5):
    """A kernel whose largest step forgets the weights, in 2/(εa) steps, as late as asked."""
    largest = 0.2 * (1 - decay) / PRECISION
    more = {"momentum": 0.3} if kind is AdamSGLD else {}
    return kind(largest * OFFSET, decay=decay, offset=OFFSET, adapt=adapt, **more)


def observed(kernel) -> tuple[np.ndarray, np.ndarray]:
    """Mean E[w²]·a of every chain, and its exact value for steps frozen as at its end."""
    kernel, _, states = recording(kernel)
    draws = sample(
        Bowl(),
        Target(loss, torch.zeros(1, dtype=torch.float64), N_BETA, LOCALIZATION),
        kernel,
        components="full",
        batch_size=None,
        chains=CHAINS,
        burn_in=BURN_IN,
        draws=SETTLE + KEPT,
    )
    one = np.eye(WEIGHTS)
    pull = Pull(N_BETA * one, LOCALIZATION, 0 * one)
    exact = [np.trace(law(kernel, pull, state)) for state in states[STEPS - 1 :: STEPS]]
    found = draws.distance[0].isel(draw=slice(SETTLE, None)).mean("draw").values
    return found * PRECISION / WEIGHTS, np.array(exact) * PRECISION / WEIGHTS


@pytest.mark.parametrize("kind", KINDS)
def test_frozen_steps_have_their_law(kind):
    assert abs(z_score(*observed(make(kind, "burn-in")))) < LIMIT


@pytest.mark.parametrize("kind", KINDS)
def test_adapting_steps_break_it(kind):
    assert z_score(*observed(make(kind, "always"))) > CLEAR


def test_the_bias_of_adapting_steps_is_known():
    found, _ = observed(make(RMSpropSGLD, "always", decay=0.05))
    q = math.sqrt(2 / (math.pi * PRECISION))
    assert found.mean() == pytest.approx((2 * q + OFFSET) / (q + OFFSET), rel=0.05)
