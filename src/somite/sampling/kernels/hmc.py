"""Hamiltonian Monte Carlo (Duane et al. 1987; Neal 2011): the long-run reference without bias.

    p ~ N(0, 1);  leapfrog with step h for m = 1 + ⌊u·leapfrogs⌋ steps;
    accepted with probability min(1, exp(H(w, p) − H(w', p'))),   H = U(w) + p·p/2

U is the potential on the whole data. The number of steps is random so that no direction of the
target, whatever its period, is brought back to where it was every time.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from somite.core.checks import at_least, positive
from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.kernels.mala import accepted


@dataclass(frozen=True)
class HMC:
    """Trajectories on the whole data, accepted or rejected so that the posterior is exact.

    Args:
        step_size: h of the leapfrog, a step of time.
        leapfrogs: Most leapfrog steps of a trajectory; each needs one gradient on the whole data.

    Raises:
        InputError: If a setting is out of range.

    Example:
        >>> HMC(step_size=0.05, leapfrogs=20)
        HMC(step_size=0.05, leapfrogs=20)
    """

    step_size: float
    leapfrogs: int = 20
    exact: ClassVar[bool] = True
    elementwise: ClassVar[bool] = False
    preconditioned: ClassVar[bool] = False
    least_burn_in: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        positive("step_size", self.step_size, "Give a step such as 0.03.")
        at_least("leapfrogs", self.leapfrogs, 1)

    @property
    def highest_precision(self) -> float:
        """4 / h²: beyond it the leapfrog is unstable and nothing is accepted."""
        return 4 / self.step_size**2

    def largest_step(self, precision: float) -> float:
        """2 / √a."""
        return 2 / math.sqrt(precision)

    def variance(self, precision: float, gradient_variance: float = 0.0) -> float:
        """1/a."""
        return 1 / precision

    def noise_ratio(self, gradient_variance: float) -> float:
        """0: there are no minibatches."""
        return 0.0

    def diffusion(self, state: None) -> float:
        """h²."""
        return self.step_size**2

    def start(self, scene: Scene) -> None:
        """HMC carries nothing: each trajectory has a new momentum."""

    def step(self, here: Point, state: None, scene: Scene) -> tuple[Point, None]:
        """One trajectory from a point."""
        momentum = scene.noise()
        steps = 1 + int(scene.uniform() * self.leapfrogs)
        there, final = self.travel(here, momentum, steps, scene)
        change = float(scene.potential(there) - scene.potential(here))
        change += float(((final - momentum) * (final + momentum)).sum()) / 2
        ratio = -change if math.isfinite(change) else -math.inf
        return (there if accepted(ratio, scene.uniform()) else here), None

    def travel(
        self, here: Point, momentum: Tensor, steps: int, scene: Scene
    ) -> tuple[Point, Tensor]:
        """So many leapfrog steps; ends early where the loss is no longer finite."""
        momentum = momentum - self.step_size / 2 * scene.drift(here)
        for _ in range(steps):
            here = scene.evaluate(here.weights + self.step_size * momentum)
            momentum = momentum - self.step_size * scene.drift(here)
            if not math.isfinite(scene.potential(here)):
                break
        return here, momentum + self.step_size / 2 * scene.drift(here)
