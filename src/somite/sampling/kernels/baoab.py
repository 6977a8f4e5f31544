"""Underdamped Langevin dynamics in the BAOAB splitting (Leimkuhler and Matthews 2013).

    p ← p − h·drift(w)                        two half kicks (B), merged: one gradient per step
    w ← w + (h/2)·p                                                                        (A)
    p ← c·p + √(1 − c²)·noise,   c = exp(−friction·h)                                      (O)
    w ← w + (h/2)·p                                                                        (A)

With full gradients the weights have the variance 1/a of a Gaussian target of precision a exactly,
whatever the step, up to h²a < 4 where it becomes unstable. For friction → ∞ it is the scheme
w ← w − (h²/2)·drift + h·(noise + noise before)/2, that is SGLD at ε = h² with noise averaged over
two steps.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from somite.core.checks import positive
from somite.core.errors import InputError
from somite.sampling.kernels.kernel import Point, Scene
from somite.theory.gaussian import stationary_covariance


@dataclass(frozen=True)
class BAOAB:
    """Underdamped Langevin dynamics with unit mass.

    Args:
        step_size: h, a step of time: ε = h² compares with the step of SGLD.
        friction: Rate at which momentum is forgotten; 2·√a damps a direction of precision a
            critically, `math.inf` forgets it at every step.

    Raises:
        InputError: If a setting is out of range.

    Example:
        >>> BAOAB(step_size=0.05, friction=10.0).variance(precision=4.0)
        0.25
    """

    step_size: float
    friction: float
    exact: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    preconditioned: ClassVar[bool] = False
    least_burn_in: ClassVar[int] = 0

    def __post_init__(self) -> None:
        """Check before any work starts.

        Raises:
            InputError: If a setting is out of range.
        """
        positive("step_size", self.step_size, "Give a step such as 0.03.")
        if not self.friction > 0:
            remedy = "Give 2·√localization, or math.inf for no momentum."
            raise InputError("friction", "must be positive", self.friction, remedy)

    @property
    def kept(self) -> float:
        """Share c of the momentum that a step keeps."""
        return math.exp(-self.friction * self.step_size)

    @property
    def highest_precision(self) -> float:
        """4 / h²."""
        return 4 / self.step_size**2

    def largest_step(self, precision: float) -> float:
        """2 / √a."""
        return 2 / math.sqrt(precision)

    def variance(self, precision: float, gradient_variance: float = 0.0) -> float:
        """1/a with full gradients; else from the discrete Lyapunov equation of (w, p)."""
        if precision >= self.highest_precision:
            return math.inf
        if gradient_variance == 0:
            return 1 / precision
        h, c = self.step_size, self.kept
        travel = h / 2 * (1 + c)  # of the weights for a momentum after the kick
        transition = np.array([[1 - travel * h * precision, travel], [-c * h * precision, c]])
        kick = np.array([[-travel], [-c]]) * h * math.sqrt(gradient_variance)
        fresh = np.array([[h / 2], [1.0]]) * math.sqrt(1 - c**2)
        return float(stationary_covariance(transition, kick @ kick.T + fresh @ fresh.T)[0, 0])

    def noise_ratio(self, gradient_variance: float) -> float:
        """h²s²/4 · (1 + c)/(1 − c): that of SGLD for c = 0, h·s²/(2·friction) for small steps."""
        h = self.step_size
        return h**2 * gradient_variance / 4 / math.tanh(self.friction * h / 2)

    def diffusion(self, state: Tensor) -> float:
        """h²."""
        return self.step_size**2

    def start(self, scene: Scene) -> Tensor:
        """Momentum from its stationary law N(0, 1)."""
        return scene.noise()

    def step(self, here: Point, state: Tensor, scene: Scene) -> tuple[Tensor, Tensor]:
        """One step from a point; `state` is the momentum."""
        half = self.step_size / 2
        momentum = state - self.step_size * scene.drift(here)
        middle = here.weights + half * momentum
        momentum = self.kept * momentum + math.sqrt(1 - self.kept**2) * scene.noise()
        return reflect(middle + half * momentum, momentum, scene)


def reflect(weights: Tensor, momentum: Tensor, scene: Scene) -> tuple[Tensor, Tensor]:
    """Weights put back into the bounding box, and momentum turned around at every wall it met."""
    box = scene.target.bounding_box
    if box is None:
        return weights, momentum
    walls = torch.floor((weights - scene.center + box) / (2 * box))
    return scene.confine(weights), torch.where(walls.remainder(2) == 1, -momentum, momentum)
