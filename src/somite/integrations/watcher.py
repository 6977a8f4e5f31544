"""What looks at a model during training, at chosen steps, and leaves the run as it was."""

from abc import ABC, abstractmethod
from collections.abc import Collection

from torch import nn

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import kept_random

Steps = int | Collection[int]
"""Every so many steps, step 0 included, or the steps themselves."""


class Watcher(ABC):
    """Looks at a model at chosen steps; random state, gradients and modes stay as they were.

    Args:
        steps: A number for every so many steps, step 0 included; or a list of steps, such as
            `somite.training.checkpoint_steps` gives on a logarithmic grid.

    Raises:
        InputError: If these are no steps.
    """

    def __init__(self, steps: Steps) -> None:
        """Check the steps.

        Raises:
            InputError: If these are no steps.
        """
        if isinstance(steps, int):
            at_least("steps", steps, 1, "Give a list for steps of your own.")
            self.steps: Steps = steps
            return
        self.steps = frozenset(steps)
        if not self.steps or any(not isinstance(s, int) or s < 0 for s in self.steps):
            remedy = "Give a number k for every k steps, or a list of steps."
            raise InputError("steps", "must be whole numbers from 0 on", list(steps), remedy)

    def due(self, step: int) -> bool:
        """Whether there is something to do at a step."""
        return step % self.steps == 0 if isinstance(self.steps, int) else step in self.steps

    def __call__(self, model: nn.Module, step: int) -> dict[str, float]:
        """Look at the model if the step is one of the chosen.

        Args:
            model: In the middle of its training.
            step: Optimizer steps done.

        Returns:
            What to log, by name; empty if there is nothing.
        """
        if not self.due(step):
            return {}
        with kept_random():
            return self.look(model, step)

    @abstractmethod
    def check(self, model: nn.Module) -> None:
        """Refuse, before training starts, what could not be done later."""

    @abstractmethod
    def look(self, model: nn.Module, step: int) -> dict[str, float]:
        """Do it at this step."""
