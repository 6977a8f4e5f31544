"""One door to every series of checkpoints."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from somite.core.errors import InputError
from somite.training.checkpoints import CheckpointSeries
from somite.training.fitting import Template
from somite.training.folder_series import FolderCheckpoints, places_in
from somite.training.given_series import CalledCheckpoints, PassingCheckpoints, table_of
from somite.training.hub import hub_checkpoints
from somite.training.own_run import MARKER, OwnCheckpoints, own_model, own_series
from somite.training.record import Record
from somite.training.series import Checkpoints, chosen_steps

REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?")


def checkpoints(
    source: Any,
    *,
    model: Template | None = None,
    pattern: str | None = None,
    steps: Sequence[int] | None = None,
    keep: bool = False,
    record: str | Path | None = None,
    endpoint: str | None = None,
) -> Checkpoints:
    """A series of checkpoints: `for step, model in so.checkpoints(source)`.

    What can be known without weights (names, steps, shapes, configurations) is checked here.

    Args:
        source: A run of somite; a folder of `.pt`, `.pth`, `.bin`, `.safetensors` or Lightning
            `.ckpt` files, or of folders with them (Hugging Face, Trainer); "owner/name" on the
            Hub; a function from step to checkpoint, with `steps`; a mapping, list or iterator of
            steps and checkpoints. A checkpoint is then a model, its weights by name, or a path.
        model: Where the weights go: copied for each checkpoint, or a function that makes one. Not
            needed for models of transformers and finished runs.
        pattern: Of files, folders or revisions, with `{step}` for the step and `*` for anything.
            By default the number that varies is the step.
        steps: Which to take; by default all.
        keep: Leave what was fetched from the Hub on disk; otherwise never more than two
            checkpoints lie there.
        record: A file that notes each step when the loop goes on to the next; a loop begun again
            leaves these out.
        endpoint: Address of the Hub; by default that of `huggingface_hub`.

    Returns:
        The series, with `.steps()` and `.load(step)`.

    Raises:
        InputError: If there is no such series, or its checkpoints are not of one model.

    Example:
        >>> import torch
        >>> weights = {0: {"weight": torch.zeros(1, 1)}, 8: {"weight": torch.ones(1, 1)}}
        >>> series = checkpoints(weights, model=torch.nn.Linear(1, 1, bias=False))
        >>> [(step, model.weight.item()) for step, model in series]
        [(0, 0.0), (8, 1.0)]
    """
    if isinstance(source, str) and not Path(source).expanduser().exists():
        found: Checkpoints = _remote(source, model, pattern, steps, keep, endpoint)
    else:
        _only_of_the_hub(keep, endpoint)
        found = _local(source, model, pattern, steps)
    if record is None:
        return found
    return replace(found, record=Record(Path(record), _words(source)))  # type: ignore[type-var]


def _remote(source: str, *settings: Any) -> Checkpoints:
    """Of the Hub.

    Raises:
        InputError: If the name is a path, of a folder that is not there.
    """
    if not REPOSITORY.fullmatch(source) or source.startswith(".") or ".." in source:
        remedy = "Check the path; a model of the Hub is written owner/name."
        raise InputError("source", "must be a folder that is there", source, remedy)
    return hub_checkpoints(source, *settings)


def _local(
    source: Any, model: Template | None, pattern: str | None, steps: Sequence[int] | None
) -> Checkpoints:
    """Of this machine or this process.

    Raises:
        InputError: If it is nothing that has checkpoints.
    """
    if isinstance(source, str | Path):
        return _of_folder(Path(source).expanduser(), model, pattern, steps)
    if pattern is not None:
        raise InputError("pattern", "is for names of files and revisions", pattern, "Leave it out.")
    if isinstance(source, CheckpointSeries):
        if model is None:
            remedy = "Give the model that was trained, or a function that makes one."
            raise InputError("model", "must be given for a training of one's own", None, remedy)
        return _checked(OwnCheckpoints(source, model, steps))
    return _of_process(source, model, steps)


def _of_folder(
    folder: Path, model: Template | None, pattern: str | None, steps: Sequence[int] | None
) -> Checkpoints:
    """Of a run or any other folder.

    Raises:
        InputError: If it is none.
    """
    if not folder.is_dir():
        remedy = "Give the folder that holds them."
        raise InputError("source", "must be a folder of checkpoints", str(folder), remedy)
    if (folder / MARKER).is_file():
        return _checked(OwnCheckpoints(own_series(folder), model or own_model(folder), steps))
    places = places_in(folder, pattern)
    wanted = chosen_steps(list(places), steps)
    return _checked(FolderCheckpoints({step: places[step] for step in wanted}, model))


def _checked(series: OwnCheckpoints | FolderCheckpoints) -> Checkpoints:
    series.check()
    return series


def _of_process(source: Any, model: Template | None, steps: Sequence[int] | None) -> Checkpoints:
    """Of a function, a mapping, a list or an iterator.

    Raises:
        InputError: If it is none of them, or has no steps.
    """
    if isinstance(source, Sequence):
        source = table_of(source)
    if isinstance(source, Mapping):
        return CalledCheckpoints(source.__getitem__, chosen_steps(list(source), steps), model)
    if callable(source) and not isinstance(source, nn.Module):
        return CalledCheckpoints(source, _given_steps(source, steps), model)
    if isinstance(source, Iterable) and not isinstance(source, nn.Module):
        if steps is not None:
            remedy = "Leave them out, or give a function or a mapping."
            raise InputError("steps", "cannot be chosen from an iterator", list(steps), remedy)
        return PassingCheckpoints(source, model)
    remedy = "Give a path, owner/name, a function with steps=, a mapping, or pairs."
    raise InputError("source", "must be a series of checkpoints", type(source).__name__, remedy)


def _given_steps(source: Callable[[int], Any], steps: Sequence[int] | None) -> list[int]:
    """Steps for a function.

    Raises:
        InputError: If there are none.
    """
    if steps is None:
        name = getattr(source, "__name__", type(source).__name__)
        remedy = "Give steps=, those that the function can make."
        raise InputError("steps", "must be given for a function", name, remedy)
    return chosen_steps(list(dict.fromkeys(steps)), steps)


def _only_of_the_hub(keep: bool, endpoint: str | None) -> None:
    """Refuse settings of the Hub for other sources.

    Raises:
        InputError: If one is given.
    """
    if keep or endpoint is not None:
        given = "keep" if keep else "endpoint"
        raise InputError(given, "is for series of the Hub", keep or endpoint, "Leave it out.")


def _words(source: Any) -> str:
    """A source in words, the same in every process."""
    if isinstance(source, CheckpointSeries):
        return str(source.folder)
    return str(source) if isinstance(source, str | Path) else type(source).__name__
