"""What a sweep is made of: something that can be trained with other settings, and measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from somite.core.checks import one_of
from somite.sweeps.design import Settings
from somite.sweeps.language import Language
from somite.sweeps.parity import Parity

Row = dict[str, Any]


class Subject(Protocol):
    """A kind of model that is swept."""

    def check(self, recipe: str, settings: Settings) -> None:
        """Refuse settings that cannot be, before anything is trained."""
        ...

    def seconds(self, recipe: str, settings: Settings) -> float:
        """About how long one model takes, from a few steps of its work; nothing is written."""
        ...

    def measure(
        self, recipe: str, settings: Settings, seed: int, folder: Path, tolerance: float = 0.0
    ) -> list[Row]:
        """Train and measure one model, or go on with it: one row for each checkpoint.

        Every row has step, loss, modular_z and whatever else was measured; with a tolerance the
        last one also what `somite.sweeps.spoiled.spoiled` says.
        """
        ...


SUBJECTS: Mapping[str, Subject] = {"language": Language(), "parity": Parity()}


def subject_of(name: str) -> Subject:
    """The subject of that name; another raises an `InputError`."""
    return SUBJECTS[one_of("subject", name, SUBJECTS)]
