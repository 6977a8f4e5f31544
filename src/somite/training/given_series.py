"""A series of one's own: a function from step to checkpoint, a mapping, or pairs as they come."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from somite.core.errors import InputError
from somite.training.fitting import Template, fill, new_model
from somite.training.folder_series import load_place
from somite.training.record import Record
from somite.training.series import Checkpoints, known_step

Checkpoint = nn.Module | Mapping[str, Tensor] | str | Path
"""A model, its weights by name, or a file or folder of them."""


@dataclass(frozen=True)
class CalledCheckpoints(Checkpoints):
    """Checkpoints that a function makes.

    Args:
        make: From a step to its checkpoint.
        listed: The steps, increasing.
        model: What weights are loaded into.
        record: Of finished steps.
    """

    make: Callable[[int], Checkpoint]
    listed: Sequence[int]
    model: Template | None = None
    record: Record | None = None

    def steps(self) -> list[int]:
        """The steps, increasing."""
        return list(self.listed)

    def load(self, step: int) -> nn.Module:
        """What the function makes of a step.

        Raises:
            InputError: If there is no such step, or it is no checkpoint.
        """
        return as_model(self.make(known_step(step, self.listed)), self.model, step)


@dataclass
class PassingCheckpoints(Checkpoints):
    """Checkpoints that come one after another, each once.

    Args:
        pairs: Of step and checkpoint, in increasing order.
        model: What weights are loaded into.
        record: Of finished steps.
    """

    pairs: Iterable[tuple[int, Checkpoint]]
    model: Template | None = None
    record: Record | None = None
    _begun: bool = field(default=False, init=False)

    def steps(self) -> list[int]:
        """Nothing: they are known as they come.

        Raises:
            InputError: Always.
        """
        raise self._only_in_order("steps")

    def load(self, step: int) -> nn.Module:
        """Nothing: each comes in its turn.

        Raises:
            InputError: Always.
        """
        raise self._only_in_order("load")

    def __len__(self) -> int:
        """Nothing, in the way that `list` and progress bars understand.

        Raises:
            TypeError: Always.
        """
        raise TypeError("an iterator of checkpoints has no length")

    def __iter__(self) -> Iterator[tuple[int, nn.Module]]:
        """Steps and models as they come.

        Raises:
            InputError: If it is walked through again, an item is no pair, or a step comes late.
        """
        if self._begun:
            raise self._only_in_order("a second loop")
        self._begun = True
        done = self.record.finished() if self.record else set()
        latest: int | None = None
        for item in self.pairs:
            step, checkpoint = _pair(item)
            if latest is not None and step <= latest:
                remedy = "Sort them, and give each step once."
                raise InputError("source", f"must go on after step {latest}", step, remedy)
            latest = step
            if step not in done:
                yield step, as_model(checkpoint, self.model, step)
                if self.record:
                    self.record.finish(step)

    def _only_in_order(self, asked: str) -> InputError:
        rule = "must be a mapping, or a function with steps=, for that"
        remedy = "An iterator is walked through once: for step, model in series."
        return InputError("source", rule, f"{asked} of an iterator", remedy)


def as_model(checkpoint: Any, model: Template | None, step: int) -> nn.Module:
    """The model of what the user's series gives.

    Raises:
        InputError: If it is no checkpoint, or weights without a model to take them.
    """
    if isinstance(checkpoint, nn.Module):
        return checkpoint
    if isinstance(checkpoint, str | Path):
        return load_place(Path(checkpoint), model)
    if not isinstance(checkpoint, Mapping):
        remedy = "A checkpoint is a module, its weights by name, or a path."
        kind = f"{type(checkpoint).__name__} at step {step}"
        raise InputError("source", "must give checkpoints", kind, remedy)
    if model is None:
        remedy = "Give model=, of which a copy takes the weights."
        raise InputError("model", "must be given for weights by name", None, remedy)
    return fill(new_model(model), checkpoint, f"step {step}")


def table_of(pairs: Sequence[Any]) -> dict[int, Checkpoint]:
    """Pairs in a list as a mapping.

    Raises:
        InputError: If an item is no pair, or a step comes twice.
    """
    table: dict[int, Checkpoint] = {}
    for item in pairs:
        step, checkpoint = _pair(item)
        if step in table:
            raise InputError("source", "must not have a step twice", step, "Remove one of them.")
        table[step] = checkpoint
    return table


def _pair(item: Any) -> tuple[int, Checkpoint]:
    """A step and a checkpoint.

    Raises:
        InputError: If it is not that.
    """
    if not (isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[0], int)):
        remedy = "Give (step, checkpoint), the step a whole number."
        raise InputError("source", "must consist of pairs", type(item).__name__, remedy)
    return item[0], item[1]
