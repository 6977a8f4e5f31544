"""devinterp's susceptibilities from the same losses in memory: how long do both take?"""

import time
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import xarray as xr

import somite as so
from somite.study.recorded_cells import Losses

REFERENCE = 8
"""Rows that stand for the data of the observable, whose losses devinterp wants by token."""


def race(own: Losses, rows: int) -> dict[str, Any] | None:
    """Seconds of CPU of both for the first rows; None where devinterp is not installed.

    The first component also stands for the chain in which all weights move, which devinterp needs.
    """
    if find_spec("devinterp") is None:
        return None
    from devinterp.slt.susceptibilities import compute_susceptibilities  # the extra `bench`

    loss = own.loss.isel(example=slice(rows)).astype(np.float32).load()
    trees = {str(name): _tree(loss.sel(component=name).values) for name in loss.component.values}
    trees["full"] = trees[next(iter(trees))]
    begin = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compute_susceptibilities(trees, "reference")
    theirs, begin = time.process_time() - begin, time.process_time()
    so.susceptibility(own.draws, loss, errors=False, on_failure="leave out")
    plain, begin = time.process_time() - begin, time.process_time()
    so.susceptibility(own.draws, loss, on_failure="leave out")
    return {
        "tokens": loss.sizes["example"] * loss.sizes["token"],
        "devinterp_seconds": theirs,
        "seconds_without_errors": plain,
        "seconds": time.process_time() - begin,
    }


def _tree(losses: np.ndarray) -> xr.DataTree:
    """Losses (chain, draw, row, token) in the form that devinterp stores."""
    columns: dict[str, Any] = {
        "init_loss": (("chain", "token_pos"), np.zeros(losses.shape[::3], np.float32))
    }
    for name, part in (("text", losses), ("reference", losses[:, :, :REFERENCE])):
        batch, ids = f"batch_{name}", np.zeros((part.shape[2], part.shape[3] + 1), np.int64)
        columns[f"loss_{name}"] = (("chain", "draw", batch, "token_pos"), part)
        columns[f"input_ids_{name}"] = ((batch, "token"), ids)
    return xr.DataTree(dataset=xr.Dataset(columns))
