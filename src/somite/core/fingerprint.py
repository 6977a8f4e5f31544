"""Fingerprints: short names for exactly this configuration, these weights, this data."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import torch
from torch import Tensor


def _plain(value: Any) -> Any:
    """What of a value enters its fingerprint, as plain JSON.

    Raises:
        TypeError: For a value without a canonical form, a mistake of the caller.
    """
    if isinstance(value, Tensor):
        return {"dtype": str(value.dtype), "shape": list(value.shape), "sha256": _tensor(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        return {"type": type(value).__name__, **{k: _plain(v) for k, v in fields.items()}}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no fingerprint; pass tensors, numbers or text.")


def _tensor(tensor: Tensor) -> str:
    flat = tensor.detach().cpu().reshape(-1).contiguous()
    return hashlib.sha256(flat.view(torch.uint8).numpy().tobytes()).hexdigest()


def fingerprint(value: Any) -> str:
    """First 16 hex digits of SHA-256 over the canonical JSON of a value.

    Args:
        value: Tensors, numbers, text, frozen dataclasses, or lists and mappings of these.
            Tensors enter by type, shape and bytes; the order of a mapping's keys does not.

    Returns:
        The fingerprint.

    Example:
        >>> fingerprint({"a": 1, "b": 2.0}) == fingerprint({"b": 2.0, "a": 1})
        True
        >>> fingerprint(torch.zeros(2)) == fingerprint(torch.zeros(3))
        False
    """
    text = json.dumps(_plain(value), sort_keys=True, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_fingerprint(*rows: str) -> str:
    """Fingerprint of somite's own source, as far as it can change a result.

    Args:
        rows: Names of the subpackages whose files enter, with those of the folders inside them.

    Returns:
        The fingerprint of all their Python files by name.
    """
    package = resources.files("somite")
    digests = {
        name: hashlib.sha256(file.read_bytes()).hexdigest()
        for row in rows
        for name, file in _python_files(row, package / row)
    }
    return fingerprint(digests)


def _python_files(name: str, folder: Traversable) -> Iterator[tuple[str, Traversable]]:
    """Python files of a folder and of the folders inside it, each with its name."""
    for entry in folder.iterdir():
        inner = f"{name}/{entry.name}"
        if entry.is_dir():
            yield from _python_files(inner, entry)
        elif entry.name.endswith(".py"):
            yield inner, entry
