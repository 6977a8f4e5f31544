"""Stochastic gradient Langevin dynamics (Welling and Teh 2011).

    w ← w − (ε/2) · drift(w) + √ε · noise,   noise ~ N(0, 1)

With drift = n_beta·g + localization·(w − w*) for a minibatch gradient g. On a Gaussian target of
precision a and gradient noise of variance s² its stationary variance is
(1 + εs²/4) / (a(1 − εa/4)); it is unstable for εa ≥ 4.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from somite.core.checks import positive
from somite.sampling.kernels.kernel import Point, Scene


@dataclass(frozen=True)
class SGLD:
    """Plain SGLD.

    Args:
        step_size: ε: the drift is multiplied by ε/2, the noise has variance ε.

    Raises:
        InputError: If the step size is not positive.

    Example:
        >>> SGLD(step_size=1e-3)
        SGLD(step_size=0.001)
    """

    step_size: float
    exact: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    preconditioned: ClassVar[bool] = False
    least_burn_in: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        positive("step_size", self.step_size, "Give a step such as 1e-3.")

    @property
    def highest_precision(self) -> float:
        """4 / ε."""
        return 4 / self.step_size

    def largest_step(self, precision: float) -> float:
        """4 / a."""
        return 4 / precision

    def variance(self, precision: float, gradient_variance: float = 0.0) -> float:
        """(1 + εs²/4) / (a(1 − εa/4))."""
        return overdamped_variance(self.step_size, precision, gradient_variance)

    def noise_ratio(self, gradient_variance: float) -> float:
        """εs²/4."""
        return self.step_size * gradient_variance / 4

    def diffusion(self, state: None) -> float:
        """ε."""
        return self.step_size

    def start(self, scene: Scene) -> None:
        """SGLD carries nothing."""

    def step(self, here: Point, state: None, scene: Scene) -> tuple[Tensor, None]:
        """One step from a point."""
        return overdamped(self.step_size, scene.drift(here), here.weights, scene), None


def overdamped(step: float | Tensor, drift: Tensor, weights: Tensor, scene: Scene) -> Tensor:
    """Weights after w − (ε/2)·drift + √ε·noise, kept in the bounding box; ε a number or (…, d)."""
    scale = step if isinstance(step, Tensor) else weights.new_full((), step)
    moved = scene.noise().mul_(scale.sqrt()).add_(weights).addcmul_(drift, -scale / 2)
    return scene.confine(moved)


def overdamped_variance(step: float, precision: float, gradient_variance: float = 0.0) -> float:
    """(1 + εs²/4) / (a(1 − εa/4)); infinite where the step is unstable."""
    left = 1 - step * precision / 4
    return (1 + step * gradient_variance / 4) / (precision * left) if left > 0 else math.inf
