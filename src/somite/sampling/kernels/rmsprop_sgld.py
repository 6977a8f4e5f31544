"""SGLD with an RMSprop preconditioner (Li et al. 2016; Hitchcock and Hoogland 2025).

    w ← w − (ε_i/2) · drift(w) + √ε_i · noise

with the steps ε_i of `preconditioner`. With frozen steps the law on a Gaussian target follows from
the discrete Lyapunov equation; where weights are not coupled, each has that of SGLD at its step.
"""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.kernels.preconditioner import SecondMoment, check_preconditioner
from somite.sampling.kernels.sgld import overdamped, overdamped_variance


@dataclass(frozen=True)
class RMSpropSGLD:
    """SGLD with one step for each weight, learned from the size of its loss gradients.

    Args:
        step_size: ε before preconditioning.
        decay: Of the average of squared gradients, α.
        offset: Added to the root of the average; the largest step is ε / offset.
        adapt: "burn-in": the steps are frozen for the kept draws. "always": the published form,
            whose draws are biased.

    Raises:
        InputError: If a setting is out of range.

    Example:
        >>> RMSpropSGLD(step_size=1e-4).highest_precision
        4000.0
    """

    step_size: float
    decay: float = 0.99
    offset: float = 0.1
    adapt: str = "burn-in"
    exact: ClassVar[bool] = False
    elementwise: ClassVar[bool] = True
    preconditioned: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check before any work starts."""
        check_preconditioner(self.step_size, self.decay, self.offset, self.adapt)

    @property
    def least_burn_in(self) -> int:
        """A step to learn from, unless it learns for ever."""
        return 1 if self.adapt == "burn-in" else 0

    @property
    def highest_precision(self) -> float:
        """4·offset / ε, for a weight whose gradients vanish."""
        return 4 * self.offset / self.step_size

    def largest_step(self, precision: float) -> float:
        """4·offset / a."""
        return 4 * self.offset / precision

    def variance(self, precision: float, gradient_variance: float = 0.0) -> float:
        """That of SGLD at the largest step, ε / offset: an upper bound."""
        return overdamped_variance(self.step_size / self.offset, precision, gradient_variance)

    def noise_ratio(self, gradient_variance: float) -> float:
        """εs²/(4·offset): an upper bound."""
        return self.step_size / self.offset * gradient_variance / 4

    def diffusion(self, state: SecondMoment) -> Tensor:
        """ε_i (d,)."""
        return state.steps(self.step_size, self.decay, self.offset)

    def start(self, scene: Scene) -> SecondMoment:
        """Average 1 everywhere."""
        return SecondMoment.start(scene.center)

    def step(self, here: Point, state: SecondMoment, scene: Scene) -> tuple[Tensor, SecondMoment]:
        """One step from a point."""
        if scene.adapting or self.adapt == "always":
            state = state.update(here.gradient, self.decay)
        steps = self.diffusion(state)
        return overdamped(steps, scene.drift(here), here.weights, scene), state
