"""Files that hold the weights of a checkpoint: which they are, their shapes, their tensors."""

import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor

from somite.core.errors import InputError

Shapes = dict[str, tuple[int, ...]]
SUFFIXES = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")
OTHER_STATE = re.compile(r"(optimizer|scheduler|rng_state|scaler|training_args|trainer_state).*")
"""What training leaves beside the weights."""
INSIDE = ("state_dict", "model_state_dict", "model", "weights")
"""Names under which files of other tools hold the weights."""
UNREADABLE = (OSError, RuntimeError, KeyError, EOFError, SafetensorError)


def weight_names(names: Iterable[str]) -> list[str]:
    """Names of the files of one checkpoint that hold its weights.

    Args:
        names: All files of its folder.

    Returns:
        The whole file or all shards of it, safetensors first; else every other file of weights.

    Example:
        >>> weight_names(["config.json", "optimizer.pt", "pytorch_model.bin", "model.safetensors"])
        ['model.safetensors']
    """
    listed = sorted(names)
    for stem, suffix in (("model", "safetensors"), ("pytorch_model", "bin")):
        if (whole := f"{stem}.{suffix}") in listed:
            return [whole]
        shard = re.compile(rf"{stem}-\d+-of-\d+\.{suffix}")
        if shards := [name for name in listed if shard.fullmatch(name)]:
            return shards
    weights = [name for name in listed if name.endswith(SUFFIXES)]
    return [name for name in weights if not OTHER_STATE.fullmatch(name)]


def one_checkpoint(names: Iterable[str], place: str) -> list[str]:
    """The weight files of a folder, if they are those of one checkpoint, all of them.

    Raises:
        InputError: If there are none, several that do not belong together, or a shard is missing.
    """
    found = weight_names(names)
    if not found:
        remedy = f"Weights are files that end with {', '.join(SUFFIXES)}."
        raise InputError("checkpoint", "must hold weights", place, remedy)
    shards = re.search(r"-of-(\d+)\.", found[0])
    if len(found) != (int(shards[1]) if shards else 1):
        rule = "must hold all shards of one set of weights" if shards else "must hold one"
        shown = f"{', '.join(found[:3])} in {place}"
        raise InputError("checkpoint", rule, shown, "Complete it, or remove what is not meant.")
    return found


def weight_files(place: Path) -> list[Path]:
    """Files of the weights of a checkpoint that is a file or a folder.

    Raises:
        InputError: If there are none or too many.
    """
    if not place.is_dir():
        return [place]
    names = [path.name for path in place.iterdir() if path.is_file()]
    return [place / name for name in one_checkpoint(names, str(place))]


def read_shapes(place: Path) -> Shapes:
    """Shapes of the weights of a checkpoint, without reading their numbers.

    Raises:
        InputError: If a file cannot be read.
    """
    shapes: Shapes = {}
    for path in weight_files(place):
        shapes |= _header(path) if path.suffix == ".safetensors" else _shapes(_unpickled(path))
    return shapes


def read_weights(place: Path) -> dict[str, Tensor]:
    """Weights of a checkpoint by name, on the CPU.

    Raises:
        InputError: If a file cannot be read.
    """
    weights: dict[str, Tensor] = {}
    for path in weight_files(place):
        weights |= _tensors(path) if path.suffix == ".safetensors" else _unpickled(path)
    return weights


def _shapes(weights: dict[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _header(path: Path) -> Shapes:
    """Shapes of a safetensors file."""
    with _readable(path), safe_open(path, framework="pt") as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}


def _tensors(path: Path) -> dict[str, Tensor]:
    with _readable(path):
        return dict(load_file(path))


def _unpickled(path: Path) -> dict[str, Tensor]:
    """Weights of a file of `torch.save`, mapped and not read where that is possible.

    Raises:
        InputError: If it holds objects other than tensors.
    """
    with _readable(path):
        try:
            mapped = zipfile.is_zipfile(path)
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as error:
            rule = "must hold tensors only"
            remedy = "Save model.state_dict(): other objects could run code, and are not read."
            raise InputError("checkpoint", rule, str(path), remedy) from error
    return _weights_inside(content, path)


def _weights_inside(content: Any, path: Path) -> dict[str, Tensor]:
    """The dictionary of weights, at the top or under one of the usual names.

    Raises:
        InputError: If there is none.
    """
    candidates = [content]
    if isinstance(content, dict):
        candidates += [content[name] for name in INSIDE if name in content]
    for candidate in candidates:
        if isinstance(candidate, dict) and candidate:
            tensors = {
                name: value for name, value in candidate.items() if isinstance(value, Tensor)
            }
            if len(tensors) == len(candidate):
                return tensors
    remedy = f"It may also be an entry named {', '.join(INSIDE)}."
    raise InputError("checkpoint", "must hold a dictionary of weights", str(path), remedy)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Explain what a damaged or missing file makes of reading it.

    Raises:
        InputError: If that happens.
    """
    try:
        yield
    except UNREADABLE as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:120]
        value = f"{path} ({type(error).__name__}: {reason})"
        remedy = "Copy or save it again, or remove it."
        raise InputError("checkpoint", "must be readable", value, remedy) from error
