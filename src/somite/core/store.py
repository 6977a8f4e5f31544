"""Zarr stores: their format, and quiet while they are written."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FORMAT: dict[str, Any] = {"zarr_format": 3, "consolidated": False}
"""What `to_zarr` of xarray is told."""


@contextmanager
def quiet_zarr() -> Iterator[None]:
    """Without Zarr's warning that text arrays have no final specification yet."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=Warning, module="zarr")
        yield
