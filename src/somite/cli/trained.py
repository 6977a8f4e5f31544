"""The models and rows of a run, finished or still on its way."""

import json
from pathlib import Path
from typing import Any

import torch

from somite.core.errors import InputError
from somite.study.context import Context
from somite.study.folder import MANIFEST, MARKER, read_manifest
from somite.study.recipe import Recipe, build, load_recipe
from somite.training import CheckpointSeries


def trained_run(run: Path) -> Context:
    """Recipe, corpus and checkpoints of a run, on the device that it used, if that is there.

    Args:
        run: Its folder. Of an unfinished one, the recipe is that of its name, or the settings
            that its marker holds; its checkpoints so far are taken.

    Returns:
        Where everything is.

    Raises:
        InputError: If there is no such run, it has no checkpoint yet, or the recipe is another.
    """
    if not (run / MARKER).is_file() or (run / MANIFEST).is_file():
        manifest = read_manifest(run)
        corpus, training = run / manifest["corpus"], run / manifest["training"]
        device = _there(str(manifest["provenance"].get("device", "cpu")))
        found = Context(run, build(manifest["settings"]), corpus, training, device)
        _require(found.series.steps(), run)
        return found
    trained = [folder for folder in run.glob("training-*") if CheckpointSeries(folder).steps()]
    corpora = list(run.glob("corpus-*"))
    _require(trained and corpora, run)
    found = Context(run, _marked(run), _latest(corpora), _latest(trained), _there("cuda"))
    _check_fit(found)
    return found


def spread_steps(steps: list[int], count: int) -> list[int]:
    """So many steps, evenly spread: the last one of each equal part of the series.

    Example:
        >>> spread_steps([0, 1, 2, 4, 8, 16, 32, 64, 100], 3)
        [2, 16, 100]
    """
    parts = min(count, len(steps))
    return [steps[-(-(part + 1) * len(steps) // parts) - 1] for part in range(parts)]


def _latest(folders: list[Path]) -> Path:
    return max(folders, key=lambda folder: folder.stat().st_mtime_ns)


def _there(device: str) -> str:
    """The device, or the processor where it is not there."""
    return device if device == "cpu" or torch.cuda.is_available() else "cpu"


def _require(found: object, run: Path) -> None:
    """Require that something was found.

    Raises:
        InputError: If not.
    """
    if not found:
        remedy = "Give the command that started it again, until it samples."
        raise InputError("run", "must hold trained checkpoints", str(run), remedy)


def _marked(run: Path) -> Recipe:
    """Recipe that a run was started with.

    Raises:
        InputError: If that cannot be read.
    """
    try:
        marker = dict(json.loads((run / MARKER).read_text()))
        name = str(marker["recipe"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "Give the command that started it again."
        raise InputError("run", "must have readable records", str(run), remedy) from error
    return build(marker["settings"]) if "settings" in marker else load_recipe(name)


def _check_fit(found: Context) -> None:
    """Require checkpoints of the model of the recipe.

    Raises:
        InputError: If they are of another.
    """
    stored = found.series.weights(found.series.steps()[-1])
    if _shapes(stored) != _shapes(found.new_model().state_dict()):
        rule = "must be that of the run's checkpoints, which other settings were given"
        remedy = "Let the run finish first; it knows its settings then."
        raise InputError("recipe", rule, found.recipe.name, remedy)


def _shapes(weights: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in weights.items()}
