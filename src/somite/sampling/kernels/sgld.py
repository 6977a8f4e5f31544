"""Stochastic gradient Langevin dynamics (Welling and Teh 2011).

    w ← w − (ε/2) · drift(w) + √ε · noise,   noise ~ N(0, 1)

With drift = n_beta·g + localization·(w − w*) for a minibatch gradient g. On a Gaussian target of
precision a and gradient noise of variance s² its stationary variance is
(1 + εs²/4) / (a(1 − εa/4)); it is unstable for εa ≥ 4.
"""

import math
from dataclasses import dataclass

from torch import Tensor

from somite.core.checks import positive


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

    def __post_init__(self) -> None:
        """Check before any work starts."""
        positive("step_size", self.step_size, "Give a step such as 1e-3.")

    def step(self, weights: Tensor, drift: Tensor, noise: Tensor) -> Tensor:
        """Weights after one step; all tensors (d,)."""
        return weights.add(drift, alpha=-self.step_size / 2).add_(
            noise, alpha=math.sqrt(self.step_size)
        )
