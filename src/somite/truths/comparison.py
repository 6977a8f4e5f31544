"""The comparison: methods × ground truths × seeds, one file for each network.

A cell is one truth at one seed with all methods that fit it. Its file is written whole or not at
all, and used again if nothing that made it has changed: stopped or killed at any moment, the same
call does what is missing.
"""

import json
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import xarray as xr

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.core.fingerprint import code_fingerprint
from somite.core.processes import start_worker, worker_pool
from somite.core.threads import available_cores, torch_threads
from somite.truths.catalogue import CONTROLS, PLANTED, REDUNDANT, TRAINED, TRANSFORMED, TRUTHS
from somite.truths.judging import Row, judged, same_partition, shift
from somite.truths.kinds import kind_of
from somite.truths.methods import COMPARED, Method
from somite.truths.transformed import names_before, transformed
from somite.truths.truth import GroundTruth

SEEDS, SMALL_SEEDS = 5, 2
SMALL = (
    *("planted MLP, 2 modules", "trained tanh MLP", "trained ReLU MLP", "Gaussian blocks"),
    *("block linear networks", "planted head roles", "random MLP", "shared features"),
    *("dense linear network", "u²v²", "(u+v)²", "two biases", "ReLU MLP, rescaled"),
)
"""Truths of the small comparison: one or two of every kind."""
ROWS = (
    *("core", "components", "theory", "models", "data", "curvature", "sampling", "estimators"),
    *("verify", "behavior", "response", "baselines", "modularity", "truths"),
)
"""Rows of the house whose code makes the numbers."""
GROUPS: Mapping[str, Mapping[str, object]] = {
    "planted": PLANTED,
    "trained": TRAINED,
    "control": CONTROLS,
    "pair": REDUNDANT,
    "transformed": TRANSFORMED,
}
Extra = Callable[[GroundTruth, Method, int], Row]
EXTRAS: tuple[Extra, ...] = ()
"""Further columns of a method on a truth, such as its error in the time of birth."""


class Watch(Protocol):
    """Is told of the progress."""

    def phase(self, name: str, total: float) -> None:
        """So much work begins."""
        ...

    def advance(self, done: float, note: str = "") -> None:
        """So much of it is done."""
        ...


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Args:
        truths: Names in `TRUTHS`.
        methods: Names in `COMPARED`.
        seeds: Networks of every truth.

    Raises:
        InputError: If a name is unknown, nothing is named, or seeds are below 1.
    """

    truths: tuple[str, ...] = tuple(TRUTHS)
    methods: tuple[str, ...] = tuple(COMPARED)
    seeds: int = SEEDS

    def __post_init__(self) -> None:
        """Check before any work starts.

        Raises:
            InputError: If something breaks its rule.
        """
        at_least("seeds", self.seeds, 1)
        at_least("number of truths", len(self.truths), 1, "Leave the option out for all.")
        at_least("number of methods", len(self.methods), 1, "Leave the option out for all.")
        for name in self.truths:
            one_of("truths", name, TRUTHS)
        for name in self.methods:
            one_of("methods", name, COMPARED)

    @property
    def cells(self) -> list[tuple[str, int]]:
        """Truth and seed of each cell; all truths at the first seed, then at the next."""
        return [(name, seed) for seed in range(self.seeds) for name in dict.fromkeys(self.truths)]


def small() -> Comparison:
    """The comparison of a few minutes."""
    return Comparison(SMALL, tuple(COMPARED), SMALL_SEEDS)


def compare(
    plan: Comparison, folder: Path, workers: int | None = None, watch: Watch | None = None
) -> list[Row]:
    """Measure what is missing, and read all rows.

    Args:
        plan: What is compared.
        folder: Where cells are kept.
        workers: Processes of one thread each; one per core if left out. The numbers do not depend
            on it.
        watch: Is told of the progress, in cells.

    Returns:
        One row for each truth, seed and method that fits it, in the order of the plan.

    Raises:
        InputError: If workers are below 1, or one dies.
    """
    count = available_cores() if workers is None else at_least("workers", workers, 1)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [cell for cell in plan.cells if read(folder, cell, plan.methods) is None]
    if watch:
        watch.phase("networks", len(missing))
    jobs = [(folder, cell, plan.methods) for cell in missing]
    for done, name in enumerate(_each(jobs, min(count, len(jobs))), start=1):
        if watch:
            watch.advance(done, name)
    found = [read(folder, cell, plan.methods) or [] for cell in plan.cells]
    return [row for rows in found for row in rows]


def measure(folder: Path, cell: tuple[str, int], methods: Sequence[str]) -> str:
    """All methods on one network, kept as a file.

    Args:
        folder: Where cells are kept.
        cell: Truth and seed.
        methods: Names in `COMPARED`.

    Returns:
        What was done, in words.
    """
    name, seed = cell
    begin = time.perf_counter()
    before, truth, names = _built(name, seed)
    built = time.perf_counter() - begin
    rows = []
    for method_name in methods:
        method = COMPARED[method_name]
        if not method.fits(truth):
            continue
        begin = time.perf_counter()
        row: Row = {"truth": name, "group": group_of(name, truth.modular)}
        row |= {"components_are": kind_of(truth)}
        row |= {"method": method_name, "family": method.family, "seed": seed}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row |= _measured(method, truth, before, names, seed)
        except InputError as error:
            row["refused"] = str(error)
        rows.append(row | {"seconds": time.perf_counter() - begin})
    content = {"identity": identity(), "methods": list(methods), "built": built, "rows": rows}
    path = _path(folder, cell)
    partial = path.with_name(f".partial-{path.name}")
    partial.write_text(json.dumps(finite(content)))
    partial.replace(path)
    return f"{name}, seed {seed}"


def read(folder: Path, cell: tuple[str, int], methods: Sequence[str]) -> list[Row] | None:
    """Rows of a cell; None if it is not there, or was made by other code or without a method."""
    path = _path(folder, cell)
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text())
    except json.JSONDecodeError:
        return None
    if content.get("identity") != identity() or not set(methods) <= set(content["methods"]):
        return None
    rows: list[Row] = content["rows"]
    return [row for row in rows if row["method"] in methods]


@cache
def identity() -> str:
    """Fingerprint of everything that makes the numbers of a cell."""
    return code_fingerprint(*ROWS)


def group_of(name: str, modular: bool = True) -> str:
    """Group of a truth: "planted", "trained", "control", "pair" or "transformed".

    Args:
        name: In `TRUTHS`.
        modular: Whether it has modules; a control stays one after its weights are changed.
    """
    found = next(group for group, truths in GROUPS.items() if name in truths)
    return "control" if found == "transformed" and not modular else found


def finite(value: Any) -> Any:
    """The same with plain short numbers, and None for those that are not finite."""
    if isinstance(value, Mapping):
        return {str(name): finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [finite(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.4g}") if math.isfinite(value) else None
    return value


def _built(name: str, seed: int) -> tuple[GroundTruth | None, GroundTruth, dict[str, str]]:
    """The truth as it was before its weights were changed, if they were; as it is; old names."""
    if name not in TRANSFORMED:
        return None, TRUTHS[name](seed), {}
    change = TRANSFORMED[name]
    before = change.before(seed)
    return before, transformed(before, change.kind, seed), names_before(before, change.kind, seed)


def _measured(
    method: Method,
    truth: GroundTruth,
    before: GroundTruth | None,
    names: Mapping[str, str],
    seed: int,
) -> Row:
    matrix = method.matrix(truth)
    found = judged(matrix, truth, method.null, seed)
    row = dict(found.row)
    if before is not None:
        row |= _shifts(method, before, seed, matrix, found.modules, names)
    for extra in EXTRAS:
        row |= extra(truth, method, seed)
    return row


def _shifts(
    method: Method,
    before: GroundTruth,
    seed: int,
    matrix: xr.DataArray,
    modules: Mapping[str, int],
    names: Mapping[str, str],
) -> Row:
    """How far a change of weights that keeps the function moves the matrix and the modules."""
    original = method.matrix(before)
    old = [names[str(name)] for name in matrix.component.values]
    renamed = matrix.assign_coords(component=old, other=old)
    kept = {names[name]: module for name, module in modules.items()}
    first = judged(original, before, method.null, seed).modules
    return {
        "matrix_shift": shift(original, renamed),
        "partition_kept": same_partition(first, kept),
    }


def _path(folder: Path, cell: tuple[str, int]) -> Path:
    name, seed = cell
    return folder / f"{name.replace(' ', '_').replace(',', '')}-{seed}.json"


def _each(
    jobs: Sequence[tuple[Path, tuple[str, int], Sequence[str]]], workers: int
) -> Iterator[str]:
    """Do all jobs; yields what was done.

    Raises:
        InputError: If a worker dies.
    """
    if workers <= 1:
        with torch_threads(1):
            for job in jobs:
                yield measure(*job)
        return
    with worker_pool(workers, start_worker, 1) as pool:
        for future in as_completed([pool.submit(measure, *job) for job in jobs]):
            yield future.result()
