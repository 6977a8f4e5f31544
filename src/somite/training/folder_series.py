"""Checkpoints of a folder: files, Hugging Face folders, those of Lightning and of the Trainer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from somite.core.errors import InputError
from somite.training.agreement import read_config, same_configs, same_shapes
from somite.training.fitting import Template, check_fit, fill, new_model
from somite.training.load_folder import load_folder, pretrained_class
from somite.training.record import Record
from somite.training.series import Checkpoints, known_step
from somite.training.step_names import named_steps
from somite.training.weight_files import SUFFIXES, read_shapes, read_weights

CONFIG = "config.json"


@dataclass(frozen=True)
class FolderCheckpoints(Checkpoints):
    """Checkpoints that lie on disk.

    Args:
        places: File or folder by step.
        model: What weights are loaded into; None where each is a Hugging Face folder.
        record: Of finished steps.
    """

    places: Mapping[int, Path]
    model: Template | None = None
    record: Record | None = None

    def check(self) -> None:
        """Read shapes and configurations, no weights, and require that they agree."""
        first = min(self.places)
        made = new_model(self.model) if self.model is not None else None
        by_config = made is None or _loading_class(self.places[first], made) is not None
        if by_config:
            same_configs({s: read_config(_config(place)) for s, place in self.places.items()})
        shapes = {step: read_shapes(place) for step, place in self.places.items()}
        same_shapes(shapes)
        if made is not None and not by_config:
            check_fit(made, shapes[first], str(self.places[first]))

    def steps(self) -> list[int]:
        """Steps of all checkpoints, increasing."""
        return sorted(self.places)

    def load(self, step: int) -> nn.Module:
        """The model at a step, a new one each time.

        Raises:
            InputError: If there is no such step, or its weights cannot be read or do not fit.
        """
        return load_place(self.places[known_step(step, self.steps())], self.model)


def load_place(place: Path, model: Template | None) -> nn.Module:
    """The model of a file or folder: into a new one from `model`, else by its config.json."""
    if model is None:
        return load_folder(place)
    made = new_model(model)
    if kind := _loading_class(place, made):
        return load_folder(place, kind)
    return fill(made, read_weights(place), str(place))


def places_in(folder: Path, pattern: str | None = None) -> dict[int, Path]:
    """Checkpoints of a folder by step: files of weights, and folders that hold some.

    Raises:
        InputError: If there are none, or their names do not say the step.
    """
    # A name with a dot in front is not whole yet, or not meant.
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    if pattern and "/" in pattern:
        entries = [e for e in folder.glob("**/*") if not e.relative_to(folder).name.startswith(".")]
    kept = [e for e in entries if e.is_dir() or e.name.endswith(SUFFIXES)]
    if not pattern:
        kept = [e for e in kept if e.is_file() or any(_weights_of(e))]
    if not kept:
        remedy = f"Checkpoints are folders, or files that end with {', '.join(SUFFIXES)}."
        raise InputError("source", "must hold checkpoints", str(folder), remedy)
    names = named_steps((e.relative_to(folder).as_posix() for e in kept), pattern)
    return {step: folder / name for step, name in names.items()}


def _weights_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name.endswith(SUFFIXES)]


def _loading_class(place: Path, made: nn.Module) -> Any:
    """The class of transformers that loads a place; None where it is not one of its folders."""
    return pretrained_class(made) if (place / CONFIG).is_file() else None


def _config(place: Path) -> Path:
    """The config.json of a Hugging Face folder.

    Raises:
        InputError: If there is none.
    """
    if not (place / CONFIG).is_file():
        remedy = "Give model=, of which a copy takes the weights."
        raise InputError("model", f"must be given where there is no {CONFIG}", str(place), remedy)
    return place / CONFIG
