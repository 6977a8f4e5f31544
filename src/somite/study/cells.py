"""Cells: the smallest pieces of a study that are stored, found again and never mixed up.

A cell's folder carries the fingerprint of its identity: everything that made it. It is written
under a temporary name and renamed when whole. Another identity is another folder, so nothing is
ever overwritten, and a changed setting recomputes only the cells whose identity it enters.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.core.fingerprint import fingerprint
from somite.core.store import FORMAT, quiet_zarr

STORE_VERSION = 1


@dataclass(frozen=True)
class Cell:
    """One stored data set and what made it.

    Args:
        kind: What it is ("sampling", "behavior", …).
        place: Where in the study ("step-00000100", "step-00000100-wiki").
        identity: Everything that made it, as plain values.
    """

    kind: str
    place: str
    identity: dict[str, Any]

    @property
    def key(self) -> str:
        """Fingerprint of kind, identity and store version."""
        return fingerprint({"kind": self.kind, "version": STORE_VERSION, **self.identity})

    def path(self, run: Path) -> Path:
        """Its folder in a run."""
        return run / "cells" / self.kind / f"{self.place}-{self.key}.zarr"

    def listed(self, run: Path) -> str:
        """Its folder as a manifest lists it: relative to the run."""
        return str(self.path(run).relative_to(run))

    def exists(self, run: Path) -> bool:
        """Whether it is stored, whole."""
        return self.path(run).is_dir()

    def write(self, run: Path, data: xr.Dataset) -> None:
        """Store it; a cell that is there already is left alone."""
        final = self.path(run)
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.parent / f".partial-{uuid.uuid4().hex}"
        identity = json.dumps(self.identity, sort_keys=True)
        stamped = data.assign_attrs(identity=identity, contents=contents(data))
        with quiet_zarr():
            stamped.to_zarr(partial, **FORMAT)
        if final.exists():
            shutil.rmtree(partial)
        else:
            os.replace(partial, final)

    def read(self, run: Path) -> xr.Dataset:
        """Load it into memory.

        Raises:
            InputError: If it is damaged.
        """
        return read_cell(self.path(run))

    def differing(self, run: Path) -> list[str]:
        """Fields in which the nearest stored cell of the same place differs from this one."""
        others = self.path(run).parent.glob(f"{self.place}-{'[0-9a-f]' * 16}.zarr")
        stored = [identity for other in others if (identity := _identity(other))]
        return min((differing_fields(it, self.identity) for it in stored), key=len, default=[])


def read_cell(path: Path) -> xr.Dataset:
    """Load a stored cell into memory.

    Raises:
        InputError: If it is damaged.
    """
    remedy = "Remove that folder and run the study again; only this cell is computed anew."
    try:
        with quiet_zarr(), xr.open_zarr(path, consolidated=False) as stored:
            loaded: xr.Dataset = stored.load()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError("stored cell", "must be readable", str(path), remedy) from error
    found = contents(loaded)
    if loaded.attrs.pop("contents", found) != found:
        raise InputError("stored cell", "must hold what was written", str(path), remedy)
    return loaded


def contents(data: xr.Dataset) -> str:
    """Fingerprint of all values of a data set by name; Zarr reads a lost chunk as NaN, unasked."""
    return fingerprint({str(name): _plain(part.values) for name, part in data.variables.items()})


def _plain(values: np.ndarray) -> Any:
    """Type, shape and bytes of numbers; text as a list, since its type is not read back."""
    if values.dtype.kind not in "biuf":
        return values.tolist()
    digest = hashlib.sha256(values.tobytes()).hexdigest()
    return [str(values.dtype), list(values.shape), digest]


def differing_fields(stored: Any, wanted: Any, prefix: str = "") -> list[str]:
    """Names of the fields in which two identities differ, with both values.

    Example:
        >>> differing_fields({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "c": 2})
        ['a.b: 1 -> 3']
    """
    if not (isinstance(stored, dict) and isinstance(wanted, dict)):
        return [] if stored == wanted else [f"{prefix}: {stored} -> {wanted}"]
    names = [*stored, *(name for name in wanted if name not in stored)]
    return [
        line
        for name in names
        for line in differing_fields(
            stored.get(name), wanted.get(name), f"{prefix}.{name}" if prefix else name
        )
    ]


def sweep_partial(run: Path) -> None:
    """Remove what killed processes left half-written."""
    for folder in _partial(run):
        shutil.rmtree(folder, ignore_errors=True)


def _partial(run: Path) -> Iterable[Path]:
    return run.glob("cells/*/.partial-*")


def _identity(path: Path) -> Any:
    """Identity of a stored cell; None if it is damaged."""
    try:
        return json.loads(json.loads((path / "zarr.json").read_text())["attributes"]["identity"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
