"""Checks at the border: each returns the value or raises an `InputError`."""

import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from somite.core.errors import InputError, nearest

T = TypeVar("T")


def positive(argument: str, value: float, remedy: str = "Give a number above zero.") -> float:
    """Require a finite number above zero.

    Raises:
        InputError: If it is not.

    Example:
        >>> positive("n_beta", 30.0)
        30.0
    """
    if not (math.isfinite(value) and value > 0):
        raise InputError(argument, "must be positive", value, remedy)
    return value


def not_negative(argument: str, value: float, remedy: str = "Give zero or more.") -> float:
    """Require a finite number of at least zero.

    Raises:
        InputError: If it is not.
    """
    if not (math.isfinite(value) and value >= 0):
        raise InputError(argument, "must be zero or more", value, remedy)
    return value


def at_least(argument: str, value: int, least: int, remedy: str = "Raise it.") -> int:
    """Require a whole number of at least `least`.

    Raises:
        InputError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(argument, f"must be a whole number of at least {least}", value, remedy)
    return value


def one_of(argument: str, value: str, known: Iterable[str]) -> str:
    """Require one of the known names.

    Raises:
        InputError: If it is none of them; the nearest one is named.
    """
    names = list(known)
    if value not in names:
        raise InputError(argument, "must be a known name", value, nearest(str(value), names))
    return value


def from_keywords(kind: type[T], rule: str, settings: Mapping[str, Any]) -> T:
    """A dataclass of settings from keyword arguments.

    Raises:
        InputError: If a keyword is none of its fields; the nearest is named.
    """
    known = list(kind.__dataclass_fields__)  # type: ignore[attr-defined]
    for name in settings:
        if name not in known:
            raise InputError(name, rule, settings[name], nearest(name, known))
    return kind(**settings)


def finite_weights(argument: str, weights: Mapping[str, Tensor]) -> None:
    """Require that no entry of any tensor is NaN or infinite.

    Raises:
        InputError: If one is; the first such tensor is named.
    """
    for name, tensor in weights.items():
        if not bool(torch.isfinite(tensor).all()):
            bad = int((~torch.isfinite(tensor)).sum())
            raise InputError(
                argument,
                "must hold finite numbers only",
                f"{bad} NaN or infinite entries in {name}",
                "Load an earlier checkpoint or train with a lower learning rate.",
            )


def movable_weights(argument: str, weights: Mapping[str, Tensor]) -> None:
    """Require weights that a chain can move: in memory, whole, on one device, in floating point.

    Raises:
        InputError: If they are on the meta device, cut or spread over several, or quantised.
    """
    remedy = "Load the model whole, without device_map."
    shards = sys.modules.get("torch.distributed.tensor")  # which a model in shards has imported
    for name, tensor in weights.items():
        if shards is not None and isinstance(tensor, shards.DTensor):
            raise InputError(argument, "must be whole, not in shards", f"a part of {name}", remedy)
        if tensor.is_meta:
            raise InputError(argument, "must have its weights in memory", f"none of {name}", remedy)
        if not tensor.is_floating_point():
            rule, got = "must have weights that carry gradients", f"{tensor.dtype} in {name}"
            raise InputError(argument, rule, got, "Load the model that it was quantised from.")
    devices = sorted({str(tensor.device) for tensor in weights.values()})
    if len(devices) > 1:
        raise InputError(argument, "must be on one device", devices, remedy)
