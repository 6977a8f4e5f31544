"""Losses of single examples or tokens at draws, streamed to a Zarr store while chains walk.

What is stored are differences to the center, L_i(w) − L_i(w*), one array for every probe. Where
only covariances are wanted, means over blocks of draws are stored in place of the draws: of the
losses, of their squares and of their products with the mean loss L on the reference probe. All
covariances with L, and their errors, follow from these.
"""

import math
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from torch import Tensor

from somite.core.checks import one_of
from somite.core.errors import InputError, nearest
from somite.core.store import FORMAT, quiet_zarr
from somite.sampling.draws import REFERENCE
from somite.sampling.probing import Probe
from somite.sampling.target import per_example

LEVELS = ("example", "token")
PRECISIONS = ("float32", "float16")
KEEPS = ("draws", "covariances")
DRAWS = 16
"""Draws that are gathered before they are written, and the length of a stored chunk."""
ITEMS = 2**15
"""Most numbers per draw in a stored chunk."""
MEANS = ("mean", "square", "product")
DRAWS_GROUP, PROBES_GROUP = "draws", "probes"
Place = tuple[str, int]


@dataclass(frozen=True)
class Record:
    """What is to be stored, and where.

    Args:
        path: The store, a folder that is not there yet.
        probes: "example" or "token" by the name of the probe: one loss for each of them.
        keep: "draws" for all losses, or "covariances" for what covariances with the mean loss on
            the reference probe need: means over blocks of √(draws) draws.
        precision: Of the stored draws, "float32" or "float16" (11 bits, and nothing below 6·10⁻⁸);
            means over blocks are always stored in double precision.

    Raises:
        InputError: If the store is there already, or a word is none of these.
    """

    path: str | Path
    probes: Mapping[str, str]
    keep: str = "draws"
    precision: str = "float32"

    def __post_init__(self) -> None:
        """Check before any work starts.

        Raises:
            InputError: See the class.
        """
        one_of("keep", self.keep, KEEPS)
        one_of("precision", self.precision, PRECISIONS)
        for name, level in self.probes.items():
            one_of(f"record of probe {name}", level, LEVELS)
        if Path(self.path).exists():
            remedy = "Remove it, or record somewhere else."
            raise InputError("path of the record", "must not be there yet", str(self.path), remedy)

    def check(self, probes: Sequence[str]) -> None:
        """Require that what is recorded is among the probes.

        Raises:
            InputError: If it is not, or covariances lack the reference probe.
        """
        for name in self.probes:
            if name not in probes:
                rule = "must be the name of a probe"
                raise InputError("record", rule, name, nearest(name, list(probes)))
        if self.keep == "covariances" and REFERENCE not in probes:
            remedy = 'Pass probes={"reference": data, …}.'
            raise InputError("keep", "needs the probe named reference", list(probes), remedy)


@dataclass
class Block:
    """Sums of L_i, L_i² and L_i·L over the draws of a block that is not full, and their number."""

    sums: np.ndarray
    count: int = 0


@dataclass(eq=False)
class Recorder:
    """Writes losses as they come.

    Args:
        record: What is asked for.
        folder: Where it is written until it is whole.
        components: Their names, in the order of the store.
        length: Draws of a block.
    """

    record: Record
    folder: Path
    components: Sequence[str]
    length: int
    arrays: dict[str, dict[str, zarr.Array[Any]]] = field(default_factory=dict)
    _waiting: dict[tuple[Place, str], tuple[int, list[np.ndarray]]] = field(default_factory=dict)
    _blocks: dict[tuple[Place, str], Block] = field(default_factory=dict)

    def create(self, probes: Mapping[str, Probe], chains: int, draws: int) -> None:
        """Make the arrays, empty, for at most so many draws.

        Raises:
            InputError: If a loss has no tokens.
        """
        for name, level in self.record.probes.items():
            shape = tuple(probes[name].at_center.shape)
            if level == "token" and len(shape) < 2:
                rule, remedy = "must give a loss for every token", 'Record "example".'
                raise InputError(f"loss of probe {name}", rule, f"shape {shape}", remedy)
            items = shape if level == "token" else shape[:1]
            coords = {"component": list(self.components), "chain": np.arange(chains)}
            coordinates = xr.Dataset(coords=coords)
            with quiet_zarr():
                coordinates.to_zarr(self.folder, group=_group(name), mode="a", **FORMAT)
            self.arrays[name] = self._arrays(name, chains, draws, items)

    def add(self, place: Place, probe: str, draw: int, losses: Tensor, reference: float) -> None:
        """Take the losses of a draw (example, …).

        Args:
            place: Component and chain.
            probe: Name of the probe.
            draw: Number of the draw; those of a chain come in order.
            losses: L_i(w) − L_i(w*).
            reference: Mean loss on the reference probe, a difference too.
        """
        values = losses if self.record.probes[probe] == "token" else per_example(losses)
        found = values.cpu().numpy()
        if self.record.keep == "covariances":
            self._sum(place, probe, draw, found.astype(np.float64), reference)
            return
        self._write_other_chains(place)
        _, waiting = self._waiting.setdefault((place, probe), (draw, []))
        with np.errstate(over="ignore"):  # infinite, which readers refuse
            waiting.append(found.astype(self.record.precision))
        if (draw + 1) % DRAWS == 0:
            self._write(place, probe)

    def finish(self, draws: xr.Dataset) -> None:
        """Write what is left, cut the arrays to the draws that were made, and give them their name.

        Args:
            draws: What `somite.sample` returns, stored beside.
        """
        for place, probe in list(self._waiting):
            self._write(place, probe)
        for place, probe in list(self._blocks):
            self._write_block(place, probe, draws.sizes["probe_draw"] - 1)
        length = draws.sizes["probe_draw"] if self.record.keep == "draws" else None
        for arrays in self.arrays.values():
            for array in arrays.values():
                shape = list(array.shape)
                shape[2] = length or math.ceil(draws.sizes["probe_draw"] / self.length)
                array.resize(tuple(shape))
        with quiet_zarr():
            draws.to_zarr(self.folder, group=DRAWS_GROUP, mode="a", **FORMAT)

    def _arrays(
        self, name: str, chains: int, draws: int, items: tuple[int, ...]
    ) -> dict[str, zarr.Array[Any]]:
        whole = self.record.keep == "draws"
        along = draws if whole else math.ceil(draws / self.length)
        axis = "probe_draw" if whole else "block"
        rest = math.prod(items[1:])
        chunk = (min(items[0], max(1, ITEMS // rest)), *items[1:])
        dims = ("component", "chain", axis, "example", *(f"token{i or ''}" for i in _more(items)))
        group = zarr.open_group(self.folder, path=_group(name), mode="a")
        group.attrs.update({"keep": self.record.keep, "length": self.length})
        return {
            array: group.create_array(
                array,
                shape=(len(self.components), chains, along, *items),
                chunks=(1, 1, DRAWS if whole else 1, *chunk),
                dtype=self.record.precision if whole else "float64",
                fill_value=math.nan,
                dimension_names=dims,
            )
            for array in (("loss",) if whole else MEANS)
        }

    def _write_other_chains(self, place: Place) -> None:
        """A chain that is left for another keeps nothing in memory."""
        for other, probe in list(self._waiting):
            if other[1] != place[1]:
                self._write(other, probe)

    def _write(self, place: Place, probe: str) -> None:
        start, waiting = self._waiting.pop((place, probe))
        where = (*self._index(place), slice(start, start + len(waiting)))
        self.arrays[probe]["loss"][where] = np.stack(waiting)

    def _sum(
        self, place: Place, probe: str, draw: int, values: np.ndarray, reference: float
    ) -> None:
        block = self._blocks.setdefault((place, probe), Block(np.zeros((3, *values.shape))))
        block.sums += np.stack([values, values**2, values * reference])
        block.count += 1
        if (draw + 1) % self.length == 0:
            self._write_block(place, probe, draw)

    def _write_block(self, place: Place, probe: str, draw: int) -> None:
        """A block that a failed chain left unfinished is written too; its chain is left out."""
        block = self._blocks.pop((place, probe))
        where = (*self._index(place), draw // self.length)
        for name, values in zip(MEANS, block.sums / block.count, strict=True):
            self.arrays[probe][name][where] = values

    def _index(self, place: Place) -> Place | tuple[int, int]:
        return self.components.index(place[0]), place[1]


@contextmanager
def recording(
    record: Record | None, probes: Mapping[str, Probe], components: Sequence[str], chains: int,
    draws: int,
) -> Iterator[Recorder | None]:  # fmt: skip
    """A recorder whose store gets its name when all went well, and is removed otherwise.

    Args:
        record: What is asked for; None for nothing.
        probes: By name.
        components: Their names.
        chains: Number of chains.
        draws: Most draws of the probes.
    """
    if record is None:
        yield None
        return
    path = Path(record.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.with_name(f".partial-{uuid.uuid4().hex}")
    try:
        recorder = Recorder(record, folder, components, block_length(draws))
        recorder.create(probes, chains, draws)
        yield recorder
        os.replace(folder, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def block_length(draws: int) -> int:
    """Draws of a block: the root of their number, rounded up; blocks hardly depend on each other.

    Example:
        >>> block_length(200)
        15
    """
    return math.isqrt(max(draws - 1, 0)) + 1


def _group(probe: str) -> str:
    return f"{PROBES_GROUP}/{probe}"


def _more(items: tuple[int, ...]) -> range:
    """Axes after the first."""
    return range(len(items) - 1)
