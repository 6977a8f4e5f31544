"""What every kernel offers, and what it may use for a step; the engine knows no more of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from somite.sampling.target import Target


@dataclass(frozen=True, eq=False)
class Point:
    """A place in weight space and what a batch says there; or many, one in each row.

    Args:
        weights: w, the moved entries (…, d).
        loss: L_B(w) − L_B(w*), a number or (…,).
        gradient: ∂L_B at w (…, d).
    """

    weights: Tensor
    loss: float | Tensor
    gradient: Tensor

    def of(self, entries: slice) -> "Point":
        """Some entries alone; the loss stays that of all."""
        return Point(self.weights[..., entries], self.loss, self.gradient[..., entries])


@dataclass(frozen=True, eq=False)
class Scene:
    """What a kernel may use for one step of one chain; or of many, one in each row.

    Args:
        target: Holds the scale.
        center: w* (…, d).
        noise: Gives standard normal noise (…, d), anew at every call.
        uniform: Gives a number uniform on [0, 1), anew at every call.
        evaluate: Loss and gradient at other weights, on the batch of this step.
        adapting: Whether this step belongs to the burn-in.
    """

    target: Target
    center: Tensor
    noise: Callable[[], Tensor]
    uniform: Callable[[], float]
    evaluate: Callable[[Tensor], Point]
    adapting: bool = False

    def drift(self, here: Point) -> Tensor:
        """Gradient of the potential at a point (…, d)."""
        return self.target.drift(here.gradient, here.weights, self.center)

    def potential(self, here: Point) -> Tensor:
        """Potential at a point (…,), against the center; infinite outside the bounding box."""
        return self.target.potential(here.loss, here.weights, self.center)

    def confine(self, weights: Tensor) -> Tensor:
        """Weights reflected into the bounding box (…, d)."""
        return self.target.confine(weights, self.center)


Place = Tensor | Point
"""Where a step ends: weights, or a point that the kernel has evaluated already."""


class Kernel(Protocol):
    """A frozen dataclass of hyperparameters that moves weights by one step.

    `state` is what a chain carries besides its weights (momentum, averages), whatever the kernel
    wants; no method changes its arguments. Precisions a are those of the potential: n_beta times a
    curvature of the loss, plus the localization.
    """

    @property
    def exact(self) -> bool:
        """Whether a step accepts or rejects on the whole data, and leaves an evaluated point."""
        ...

    @property
    def elementwise(self) -> bool:
        """Whether no weight's step depends on the others: parts or many chains can be stepped."""
        ...

    @property
    def preconditioned(self) -> bool:
        """Whether each weight has a step of its own, learned on the way."""
        ...

    @property
    def least_burn_in(self) -> int:
        """Fewest steps of burn-in that it needs to learn from."""
        ...

    @property
    def step_size(self) -> float:
        """Step, as the kernel defines it."""
        ...

    @property
    def highest_precision(self) -> float:
        """Precision from which on the kernel is unstable."""
        ...

    def largest_step(self, precision: float) -> float:
        """Step from which on the kernel is unstable along a direction of this precision."""
        ...

    def variance(self, precision: float, gradient_variance: float = 0.0) -> float:
        """Stationary variance along a direction of a Gaussian target.

        Args:
            precision: a, below `highest_precision`.
            gradient_variance: s², variance of n_beta times the minibatch gradient.
        """
        ...

    def noise_ratio(self, gradient_variance: float) -> float:
        """Noise of minibatch gradients over injected noise, as variances that add up over time.

        To leading order in the step the stationary variance is that of full gradients times one
        plus this ratio, unless the kernel takes the noise up.

        Args:
            gradient_variance: s², variance of n_beta times the minibatch gradient.
        """
        ...

    def diffusion(self, state: Any) -> float | Tensor:
        """Noise variance ε of the overdamped step this kernel is compared with; scalar or (d,)."""
        ...

    def start(self, scene: Scene) -> Any:
        """State of a chain at the center."""
        ...

    def step(self, here: Point, state: Any, scene: Scene) -> tuple[Place, Any]:
        """Where the chain goes from here, and its state there."""
        ...
