"""Checkpoints of one model in order of training: listed at once, loaded one at a time."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from somite.core.errors import InputError
from somite.training.record import Record

Load = Callable[[int], nn.Module]


class Checkpoints(ABC):
    """A series of checkpoints; `for step, model in series` walks through it.

    Each model is one of its own: changing it changes no other. With a record, steps whose turn of
    the loop was completed, in this process or an earlier one, are left out of the next loop.
    """

    record: Record | None = None

    @abstractmethod
    def steps(self) -> list[int]:
        """Steps of all checkpoints, increasing."""

    @abstractmethod
    def load(self, step: int) -> nn.Module:
        """The model at a step."""

    def remaining(self) -> list[int]:
        """Steps that the next loop takes: all, less those that the record has."""
        done = self.record.finished() if self.record else set()
        return [step for step in self.steps() if step not in done]

    def __len__(self) -> int:
        """Number of checkpoints."""
        return len(self.steps())

    def __iter__(self) -> Iterator[tuple[int, nn.Module]]:
        """Steps and models, in order, one in memory at a time beside the one the caller holds."""
        steps = self.remaining()
        with self.walk(steps) as load:
            for step in steps:
                yield step, load(step)
                if self.record:
                    self.record.finish(step)

    def identity(self, step: int) -> str | None:
        """What fixes the weights of a step without loading them; None if only they do."""
        return None

    @contextmanager
    def walk(self, steps: Sequence[int]) -> Iterator[Load]:
        """How models are loaded while these steps are walked through, in this order."""
        yield self.load


def chosen_steps(there: Sequence[int], wanted: Sequence[int] | None) -> list[int]:
    """Those steps of a series that are wanted, increasing.

    Raises:
        InputError: If one is not there, or is asked for twice.

    Example:
        >>> chosen_steps([0, 1, 2, 4], [4, 0])
        [0, 4]
    """
    if wanted is None:
        return sorted(there)
    for step in wanted:
        known_step(step, there)
    if not wanted or len(set(wanted)) != len(wanted):
        remedy = "Give each step once, or leave steps out for all."
        raise InputError("steps", "must be some steps, each once", list(wanted), remedy)
    return sorted(wanted)


def known_step(step: int, there: Sequence[int]) -> int:
    """Require a step of the series.

    Raises:
        InputError: If it is none; the nearest ones are named.
    """
    if step not in there:
        near = sorted(there, key=lambda other: abs(other - int(step)))[:3]
        remedy = f"Of {len(there)} steps the nearest are {', '.join(map(str, sorted(near)))}."
        raise InputError("step", "must be a step of the series", step, remedy)
    return step
