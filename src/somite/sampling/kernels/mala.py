"""Metropolis-adjusted Langevin algorithm (Roberts and Tweedie 1996): a reference without bias.

    w' = w − (ε/2)·∇U(w) + √ε·noise,   accepted with probability min(1, e^r),
    r = U(w) − U(w') − ‖w − w' + (ε/2)∇U(w')‖²/(2ε) + ‖w' − w + (ε/2)∇U(w)‖²/(2ε)
      = U(w) − U(w') − (ε/8)·‖F‖² + (√ε/2)·F·noise,   F = ∇U(w) + ∇U(w')

as computed, since the two large norms would cancel. U is the potential on the whole data: on
minibatches the acceptance would be wrong.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.linalg import vecdot

from somite.core.checks import positive
from somite.sampling.kernels.kernel import Point, Scene


@dataclass(frozen=True)
class MALA:
    """SGLD steps on the whole data, accepted or rejected so that the posterior is exact.

    Args:
        step_size: ε, as in SGLD.

    Raises:
        InputError: If the step size is not positive.

    Example:
        >>> MALA(step_size=1e-3)
        MALA(step_size=0.001)
    """

    step_size: float
    exact: ClassVar[bool] = True
    elementwise: ClassVar[bool] = False
    preconditioned: ClassVar[bool] = False
    least_burn_in: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        positive("step_size", self.step_size, "Give a step such as 1e-3.")

    @property
    def highest_precision(self) -> float:
        """None: a step that is too long is rejected."""
        return math.inf

    def largest_step(self, precision: float) -> float:
        """None."""
        return math.inf

    def variance(self, precision: float, gradient_variance: float = 0.0) -> float:
        """1/a."""
        return 1 / precision

    def noise_ratio(self, gradient_variance: float) -> float:
        """0: there are no minibatches."""
        return 0.0

    def diffusion(self, state: None) -> float:
        """ε."""
        return self.step_size

    def start(self, scene: Scene) -> None:
        """MALA carries nothing."""

    def step(self, here: Point, state: None, scene: Scene) -> tuple[Point, None]:
        """One proposal from a point."""
        proposal, log_ratio = propose(self.step_size, here, scene.noise(), scene)
        return (proposal if accepted(float(log_ratio), scene.uniform()) else here), None


def propose(step: float | Tensor, here: Point, noise: Tensor, scene: Scene) -> tuple[Point, Tensor]:
    """A Langevin proposal and the logarithm r of its acceptance ratio.

    Args:
        step: ε, a number or one for each weight (…, d).
        here: Where the chain is.
        noise: Standard normal (…, d).
        scene: Potential and its gradient.

    Returns:
        The point proposed, and r (…,); −∞ where the potential is infinite or not a number.
    """
    forward = scene.drift(here)
    there = scene.evaluate(langevin(step, here.weights, forward, noise))
    ratio = scene.potential(here) - scene.potential(there)
    ratio += asymmetry(step, scene.drift(there).add_(forward), noise)
    return there, torch.where(ratio.isfinite(), ratio, -math.inf)


def langevin(step: float | Tensor, weights: Tensor, drift: Tensor, noise: Tensor) -> Tensor:
    """Weights after w − (ε/2)·drift + √ε·noise, each (…, d)."""
    scale = _beside(weights, step)
    return weights.addcmul(drift, -scale / 2).addcmul_(noise, scale.sqrt())


def asymmetry(step: float | Tensor, both: Tensor, noise: Tensor) -> Tensor:
    """(√ε/2)·F·noise − (ε/8)·‖F‖² (…,), in double precision.

    Args:
        step: ε.
        both: F, the drift at both ends added (…, d); changed.
        noise: Of the step (…, d).
    """
    pull = both.mul_(_beside(both, step).sqrt())
    found: Tensor = (vecdot(pull, noise) - vecdot(pull, pull) / 4) / 2
    return found.double()


def _beside(tensor: Tensor, step: float | Tensor) -> Tensor:
    """ε on the device of a tensor, in its precision."""
    return step if isinstance(step, Tensor) else tensor.new_full((), step)


def accepted(log_ratio: float, uniform: float) -> bool:
    """Whether u < e^r."""
    return log_ratio >= 0 or uniform < math.exp(log_ratio)
