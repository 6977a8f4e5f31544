"""Stochastic gradient Nosé–Hoover thermostat (Ding et al. 2014) in the BADODAB splitting
(Leimkuhler and Shang 2016).

    p ← p − h·drift(w)                                          (B, two half kicks merged)
    w ← w + (h/2)·p                                             (A)
    ξ ← ξ + (h/2)·(p·p/d − 1)                                   (D)
    p ← exp(−ξh)·p + √(2A·(1 − exp(−2ξh))/(2ξ))·noise           (O)
    ξ ← ξ + (h/2)·(p·p/d − 1)                                   (D)
    w ← w + (h/2)·p                                             (A)

The thermostat ξ starts at A, the friction that balances the injected noise of variance 2A per time.
Minibatch gradients of variance s² heat the momenta; ξ grows to about A + h·s²/2, where their mean
square is 1 again, without s² having to be known. It gets there in a few times ξ/h steps, which
belong to the burn-in. One ξ serves all weights: where the noise, or with noise the curvature,
differs between weights, the temperature is right on average only.
"""  # noqa: D205 - the source needs its second line

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from somite.core.checks import positive
from somite.sampling.kernels.baoab import reflect
from somite.sampling.kernels.kernel import Point, Scene


@dataclass(frozen=True, eq=False)
class Thermostat:
    """What a chain carries: momentum p (d,) and thermostat ξ."""

    momentum: Tensor
    friction: float


@dataclass(frozen=True)
class SGNHT:
    """Underdamped Langevin dynamics whose friction adapts to unknown gradient noise.

    Args:
        step_size: h, a step of time: ε = h² compares with the step of SGLD.
        friction: A: the injected noise has variance 2A per time, and ξ starts there.

    Raises:
        InputError: If a setting is not positive.

    Example:
        >>> SGNHT(step_size=0.05, friction=5.0).variance(precision=4.0)
        0.25
    """

    step_size: float
    friction: float
    exact: ClassVar[bool] = False
    elementwise: ClassVar[bool] = False
    preconditioned: ClassVar[bool] = False
    least_burn_in: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check before any work starts."""
        positive("step_size", self.step_size, "Give a step such as 0.03.")
        positive("friction", self.friction, "Give 2·√localization.")

    @property
    def highest_precision(self) -> float:
        """4 / h², as for the leapfrog within it."""
        return 4 / self.step_size**2

    def largest_step(self, precision: float) -> float:
        """2 / √a."""
        return 2 / math.sqrt(precision)

    def variance(self, precision: float, gradient_variance: float = 0.0) -> float:
        """1/a to leading order in the step: the thermostat takes up the gradient noise."""
        return 1 / precision if precision < self.highest_precision else math.inf

    def noise_ratio(self, gradient_variance: float) -> float:
        """h·s² / (2A)."""
        return self.step_size * gradient_variance / (2 * self.friction)

    def diffusion(self, state: Thermostat) -> float:
        """h²."""
        return self.step_size**2

    def start(self, scene: Scene) -> Thermostat:
        """Momentum from N(0, 1), thermostat at A."""
        return Thermostat(scene.noise(), self.friction)

    def step(self, here: Point, state: Thermostat, scene: Scene) -> tuple[Tensor, Thermostat]:
        """One step from a point."""
        half = self.step_size / 2
        momentum = state.momentum - self.step_size * scene.drift(here)
        middle = here.weights + half * momentum
        friction = self.warm(state.friction, momentum)
        momentum = self.refresh(momentum, friction, scene)
        friction = self.warm(friction, momentum)
        weights, momentum = reflect(middle + half * momentum, momentum, scene)
        return weights, Thermostat(momentum, friction)

    def warm(self, friction: float, momentum: Tensor) -> float:
        """ξ + (h/2)·(p·p/d − 1)."""
        return friction + self.step_size / 2 * (float(momentum.square().mean()) - 1)

    def refresh(self, momentum: Tensor, friction: float, scene: Scene) -> Tensor:
        """Exact step of dp = −ξp dt + √(2A) dW over h, also for ξ ≤ 0."""
        decay = -2 * friction * self.step_size
        spread = math.expm1(decay) / decay * self.step_size if decay else self.step_size
        scale = math.sqrt(2 * self.friction * spread)
        return math.exp(decay / 2) * momentum + scale * scene.noise()
