"""Designs of sweeps: which models, read from TOML and checked before any work starts."""

import itertools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from somite.core.checks import at_least, not_negative, one_of
from somite.core.errors import InputError, nearest
from somite.core.random import stream_seed

GRID, LIST, RANDOM = "grid", "list", "random"
Value = str | int | float | bool
Settings = dict[str, Value]


@dataclass(frozen=True)
class SweepDesign:
    """Which models are made.

    Args:
        subject: What is trained: a name in `SUBJECTS`.
        description: What the sweep asks, in one line.
        recipe: Base settings, if the subject has recipes.
        kind: "grid", all combinations of the factors; "list", the models as listed; "random",
            combinations drawn without repetition.
        factors: Values by dotted key.
        listed: Settings of each model of a list.
        base: Settings of all models that differ from the recipe.
        seeds: Each model is made once with each.
        models: Of a random design.
        tolerance: Rise of the loss at which the critical bits of all weights are read, at the last
            checkpoint; with it comes the damage by noise. 0 for neither.

    Raises:
        InputError: If there is no model, a factor has one value twice, fields do not belong to
            the kind, or the tolerance is negative.

    Example:
        >>> design = SweepDesign("parity", factors={"hidden": (32, 64), "l2": (0.0, 1e-3)})
        >>> len(design.settings()), design.settings()[1]
        (4, {'hidden': 32, 'l2': 0.001})
    """

    subject: str
    description: str = ""
    recipe: str = ""
    kind: str = GRID
    factors: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    listed: Sequence[Settings] = ()
    base: Settings = field(default_factory=dict)
    seeds: Sequence[int] = (0, 1, 2)
    models: int = 0
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        """Check what needs no recipe.

        Raises:
            InputError: See above.
        """
        one_of("kind", self.kind, (GRID, LIST, RANDOM))
        not_negative("tolerance", self.tolerance)
        if len(set(self.seeds)) < max(1, len(self.seeds)):
            raise InputError(
                "seeds", "must be at least one, none twice", list(self.seeds), "Name each once."
            )
        if bool(self.listed) != (self.kind == LIST) or bool(self.factors) == (self.kind == LIST):
            rule = "must have [[models]] if it is a list, else [factors]"
            raise InputError("design", rule, self.kind, "Give the one or the other.")
        for name, values in self.factors.items():
            if len(values) != len(set(values)) or not values:
                remedy = "Name each value once."
                raise InputError(f"factors.{name}", "must be different values", values, remedy)
        if self.kind == RANDOM:
            at_least("number", self.models, 1, "Say how many models are drawn.")

    @property
    def names(self) -> list[str]:
        """The factors: what differs between models."""
        return list(self.factors) or list(dict.fromkeys(k for one in self.listed for k in one))

    def settings(self) -> list[Settings]:
        """What each model has of the factors, without its seed."""
        if self.kind == LIST:
            return [dict(one) for one in self.listed]
        grid = [dict(zip(self.factors, chosen, strict=True))
                for chosen in itertools.product(*self.factors.values())]  # fmt: skip
        if self.kind == GRID or self.models >= len(grid):
            return grid
        generator = np.random.default_rng(stream_seed("sweep", self.models, list(self.factors)))
        return [grid[i] for i in sorted(generator.choice(len(grid), self.models, replace=False))]


def design_names() -> list[str]:
    """Names of the shipped designs."""
    folder = resources.files("somite.sweeps") / "designs"
    return sorted(file.name[:-5] for file in folder.iterdir() if file.name.endswith(".toml"))


def load_design(name_or_path: str) -> SweepDesign:
    """Read a design.

    Args:
        name_or_path: Name of a shipped design, or a path ending in .toml.

    Raises:
        InputError: If it cannot be read, or a key is unknown (the nearest is named).
    """
    known = {
        **{f.name: f.name for f in fields(SweepDesign)},
        "models": "listed",
        "number": "models",
    }
    del known["listed"]
    values = {}
    for key, value in _read(name_or_path).items():
        if key not in known:
            raise InputError(key, "must be a key of a sweep", value, nearest(key, list(known)))
        values[known[key]] = value
    if "subject" not in values:
        raise InputError("subject", "must be named", None, 'Write subject = "language".')
    return SweepDesign(**values)


def _read(name_or_path: str) -> dict[str, Any]:
    """The TOML of a design.

    Raises:
        InputError: If there is none, or it is no TOML.
    """
    shipped = name_or_path in design_names()
    folder = resources.files("somite.sweeps") / "designs"
    place = folder / f"{name_or_path}.toml" if shipped else Path(name_or_path)
    try:
        return tomllib.loads(place.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Check the path, or name a shipped sweep: " + ", ".join(design_names()) + "."
        raise InputError("sweep", "must be a readable file", name_or_path, remedy) from error
    except tomllib.TOMLDecodeError as error:
        raise InputError("sweep", "must be TOML", name_or_path, str(error)) from error
