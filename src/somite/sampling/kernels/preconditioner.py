"""The running second moment of the loss gradient, which sets a step for each weight.

    v ← decay·v + (1 − decay)·g²,   v = 1 at the start,   v̂ = v / (1 − decay^t),
    ε_i = ε / (√v̂_i + offset)

g is the gradient of the loss alone, without n_beta and without localization
(Hitchcock and Hoogland 2025, App. D.3). It takes some 1/(1 − decay) steps to forget its start.

A step that follows the chain's own gradients no longer leaves the posterior as it is: where v
adapts for ever, and faster than the weights relax, their density is multiplied by 1/ε_i, and a
Gaussian weight has up to twice its variance. The steps are therefore frozen at the end of the
burn-in, unless asked otherwise.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from somite.core.checks import one_of, positive
from somite.core.errors import InputError

ADAPT = ("burn-in", "always")


@dataclass(frozen=True, eq=False)
class SecondMoment:
    """Average of squared gradients of one chain.

    Args:
        average: v (d,).
        count: Gradients that it has seen, t.
    """

    average: Tensor
    count: int = 0

    @classmethod
    def start(cls, like: Tensor) -> "SecondMoment":
        """One everywhere."""
        return cls(torch.ones_like(like))

    def update(self, gradient: Tensor, decay: float) -> "SecondMoment":
        """The average after one more gradient."""
        average = decay * self.average + (1 - decay) * gradient.square()
        return replace(self, average=average, count=self.count + 1)

    def steps(self, step_size: float, decay: float, offset: float) -> Tensor:
        """ε / (√v̂ + offset) of every weight (d,); with v̂ = 1 before the first gradient."""
        corrected = self.average / (1 - decay**self.count) if self.count else self.average
        return step_size / (corrected.sqrt() + offset)


def check_preconditioner(step_size: float, decay: float, offset: float, adapt: str) -> None:
    """Check the settings that preconditioned kernels share.

    Raises:
        InputError: If one is out of range.
    """
    positive("step_size", step_size, "Give a step such as 1e-4.")
    positive("offset", offset, "Give a small number such as 0.1; it bounds the step.")
    one_of("adapt", adapt, ADAPT)
    check_decay("decay", decay)


def check_decay(name: str, decay: float) -> None:
    """Require a number between 0 and 1, both excluded.

    Raises:
        InputError: If it is not.
    """
    if not 0 < decay < 1:
        raise InputError(name, "must lie between 0 and 1", decay, "Give a number such as 0.99.")
