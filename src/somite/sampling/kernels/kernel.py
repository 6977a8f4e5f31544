"""What every kernel offers; the engine knows no more of it."""

from typing import Protocol

from torch import Tensor


class Kernel(Protocol):
    """A frozen dataclass of hyperparameters that moves weights by one step."""

    @property
    def step_size(self) -> float:
        """Step ε."""
        ...

    def step(self, weights: Tensor, drift: Tensor, noise: Tensor) -> Tensor:
        """Weights after one step; all tensors (d,)."""
        ...
