"""Reading what was recorded, without loading it."""

from pathlib import Path

import xarray as xr

from somite.core.errors import InputError, nearest
from somite.core.store import quiet_zarr
from somite.sampling.recording import DRAWS_GROUP, PROBES_GROUP


def recorded(path: str | Path, probe: str) -> xr.Dataset:
    """Recorded losses of a probe; numbers are read when they are asked for.

    Args:
        path: The store that a `somite.Record` named.
        probe: Name of the probe.

    Returns:
        `loss` (component, chain, probe_draw, example[, token]), differences to the center, NaN
        where a chain had failed; or, of a record that kept covariances, `mean`, `square` and
        `product` (component, chain, block, example[, token]): block means of L_i, L_i² and L_i·L.

    Raises:
        InputError: If there is no such store, or the probe was not recorded in it.

    Example:
        >>> import somite as so, tempfile, torch
        >>> data = torch.zeros(4, 1), torch.zeros(4, 1)
        >>> loss = lambda model, batch: (model(batch[0]) - batch[1]) ** 2
        >>> path = Path(tempfile.mkdtemp()) / "store.zarr"
        >>> draws = so.sample(torch.nn.Linear(1, 1), so.Target(loss, data, 10, 1), so.SGLD(0.1),
        ...                   components="full", chains=2, draws=8, probes={"reference": data},
        ...                   record=so.Record(path, {"reference": "example"}))
        >>> dict(recorded(path, "reference").loss.sizes)
        {'component': 1, 'chain': 2, 'probe_draw': 2, 'example': 4}
    """
    folder = _folder(path, PROBES_GROUP)
    names = sorted(part.name for part in folder.iterdir() if part.is_dir())
    if probe not in names:
        raise InputError("probe", "must have been recorded", probe, nearest(probe, names))
    return _open(path, f"{PROBES_GROUP}/{probe}")


def recorded_draws(path: str | Path) -> xr.Dataset:
    """The draws beside which losses were recorded, as `somite.sample` returned them.

    Args:
        path: The store that a `somite.Record` named.

    Returns:
        The draws, in memory.

    Raises:
        InputError: If there is no such store.
    """
    _folder(path, DRAWS_GROUP)
    return _open(path, DRAWS_GROUP).load()


def _open(path: str | Path, group: str) -> xr.Dataset:
    with quiet_zarr():
        found: xr.Dataset = xr.open_zarr(path, group=group, consolidated=False, chunks=None)
    return found


def _folder(path: str | Path, group: str) -> Path:
    folder = Path(path) / group
    if not folder.is_dir():
        remedy = "Give the path of a `somite.Record` with which sampling ended well."
        raise InputError("path", "must be a store of recorded losses", str(path), remedy)
    return folder
