"""Cells of recorded losses: stores that are read a piece at a time, never whole."""

import json
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xarray as xr
import zarr

from somite.core.errors import InputError
from somite.sampling.recorded import recorded, recorded_draws
from somite.study.cells import Cell

TEXT = "text"
"""Name of the probe whose tokens are recorded: rows of all domains, one after the other."""


@dataclass(frozen=True)
class Losses:
    """Draws of a run and the losses of tokens at them.

    Args:
        draws: As `somite.sample` returns them.
        loss: (component, chain, probe_draw, example, token), not loaded.
    """

    draws: xr.Dataset
    loss: xr.DataArray


def write_losses(cell: Cell, run: Path, record: Callable[[Path], None]) -> None:
    """Store recorded losses as a cell: under a temporary name, renamed when whole.

    Args:
        cell: What it is.
        run: Folder of the run.
        record: Makes the store at a path that is not there yet.
    """
    final = cell.path(run)
    final.parent.mkdir(parents=True, exist_ok=True)
    partial = final.parent / f".partial-{uuid.uuid4().hex}"
    record(partial)
    identity = json.dumps(cell.identity, sort_keys=True)
    zarr.open_group(partial, mode="a").attrs.update({"identity": identity})
    os.replace(partial, final)


def read_losses(path: Path) -> Losses:
    """Open recorded losses of a cell.

    Raises:
        InputError: If they are damaged.
    """
    try:
        return Losses(recorded_draws(path), recorded(path, TEXT).loss)
    except (OSError, ValueError, KeyError, AttributeError) as error:
        remedy = "Remove that folder and give `somite respond` again."
        raise InputError("recorded losses", "must be readable", str(path), remedy) from error
