"""How often are networks without modules called modular? Methods × nulls × controls.

See docs/modules.md.

    python benchmarks/false_positives.py [--networks N] [--modular N] [--workers N] [--work FOLDER]

Controls are networks trained on tasks without modules, and random ones; networks trained on modules
tell the power. Each network is a file in the work folder; what is there is not done again.
"""

import json
import multiprocessing
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import finite, options, show, store

from somite.core.errors import InputError
from somite.modularity import is_modular
from somite.truths.false_positives import (
    MODULES,
    NOISE,
    SHARED,
    SHOWN,
    null_matrices,
    null_scores,
    p_value,
    random_control,
    shuffled_network,
    trained_crowd,
    whole_matrix,
)
from somite.truths.methods import COMPARED
from somite.truths.truth import GroundTruth

NETWORKS, MODULAR, POOL, SHUFFLES = 100, 10, 59, 24
OTHER = 10_000
"""Seeds of the networks in the pools, which are never judged, begin here."""
TOGETHER = 10
RANDOM, FIRST, SHUFFLED = "random MLP", "first weights", "shuffled weights"
OWN = ("pairs", "rotation")
"""Nulls made from the matrix itself."""
POOLS = {RANDOM: (FIRST,), SHARED: (FIRST, NOISE, SHARED), MODULES: (FIRST, NOISE, SHARED)}
WORK = Path("runs/false_positives")
COLUMNS = ("networks", "method", "null", "modular", "of", "refused")
Row = dict[str, Any]


def networks(kind: str, seeds: Sequence[int]) -> list[GroundTruth]:
    """Controls, or networks with modules."""
    return [random_control(s) for s in seeds] if kind == RANDOM else trained_crowd(seeds, kind)


def null_networks(null: str, kind: str, seeds: Sequence[int]) -> list[GroundTruth]:
    """A pool of the shape of random or of trained networks."""
    if kind == RANDOM:
        return [random_control(seed) for seed in seeds]
    return trained_crowd(seeds, NOISE, steps=0) if null == FIRST else trained_crowd(seeds, null)


def pool_path(null: str, kind: str, work: Path) -> Path:
    """Where the scores of a pool are."""
    return work / f"pool-{null.replace(' ', '_')}-{'random' if kind == RANDOM else 'trained'}.npz"


def pool(null: str, kind: str, size: int, work: Path) -> str:
    """Scores of a pool by every method, kept as a file."""
    quiet()
    path = pool_path(null, kind, work)
    if not path.is_file():
        truths = null_networks(null, kind, range(OTHER, OTHER + size))
        found = {name: null_scores(null_matrices(truths, COMPARED[name])) for name in SHOWN}
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **found)
    return path.stem


def judge(kind: str, seeds: Sequence[int], work: Path) -> str:
    """All methods and nulls on some networks, each kept as a file."""
    quiet()
    missing = [seed for seed in seeds if not row_path(kind, seed, work).is_file()]
    truths = networks(kind, missing) if missing else []
    for seed, truth in zip(missing, truths, strict=True):
        path = row_path(kind, seed, work)
        rows = [judged(truth, kind, seed, name, work) for name in SHOWN]
        path.with_suffix(".partial").write_text(json.dumps(finite(rows)))
        path.with_suffix(".partial").replace(path)
    return f"{kind}, seeds {seeds[0]} to {seeds[-1]}"


def row_path(kind: str, seed: int, work: Path) -> Path:
    """Where the rows of a network are."""
    return work / f"{kind.replace(' ', '_')}-{seed}.json"


def judged(truth: GroundTruth, kind: str, seed: int, name: str, work: Path) -> Row:
    """P of one network by one method, under every null."""
    begin, method = time.perf_counter(), COMPARED[name]
    row = {"networks": kind, "seed": seed, "method": name, "null": method.null}
    try:
        matrix = whole_matrix(truth, method)
        own = {null: is_modular(matrix, seed, null, repeats=POOL) for null in OWN}
        score = float(own[OWN[0]].value)
        shuffled = (shuffled_network(truth, seed * SHUFFLES + i) for i in range(SHUFFLES))
        nulls = {SHUFFLED: null_scores(null_matrices(shuffled, method))}
        nulls |= {n: np.load(pool_path(n, kind, work))[name] for n in POOLS[kind]}
        row["p"] = {null: float(found.p_value) for null, found in own.items()}
        row["p"] |= {null: p_value(score, values) for null, values in nulls.items()}
        row |= {"score": score, "label": own[OWN[0]].label.values.tolist()}
    except InputError as error:
        row["refused"] = str(error)
    return row | {"seconds": time.perf_counter() - begin}


def quiet() -> None:
    """One thread, no warnings: workers run side by side."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")


def summary(rows: Sequence[Row]) -> list[Row]:
    """Verdicts "modular", p < 0.05, by kind of network, method and null."""
    found = []
    for kind, method in dict.fromkeys((row["networks"], row["method"]) for row in rows):
        own = [r for r in rows if (r["networks"], r["method"]) == (kind, method)]
        known = [r for r in own if "p" in r]
        for null in known[0]["p"] if known else ():
            modular = sum(r["p"][null] < 0.05 for r in known)
            found.append({
                "networks": kind, "method": method, "null": null, "modular": modular,
                "of": len(known), "refused": len(own) - len(known),
            })  # fmt: skip
    return found


def main() -> None:
    """Measure what is missing; print and store."""
    parser = options(__doc__)
    parser.add_argument("--networks", type=int, default=NETWORKS, help="of each control")
    parser.add_argument("--modular", type=int, default=MODULAR, help="with modules")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of what is done")
    given = parser.parse_args()
    counts = {RANDOM: given.networks, SHARED: given.networks, MODULES: given.modular}
    size, together = POOL, TOGETHER
    if given.tiny:
        counts, size, together = {RANDOM: 2}, 3, 1
    chunks = [
        (kind, range(first, min(first + together, count)))
        for kind, count in counts.items()
        for first in range(0, count, together)
    ]
    kinds = (RANDOM,) if given.tiny else (RANDOM, SHARED)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(given.workers, mp_context=context) as workers:
        jobs = [workers.submit(pool, n, k, size, given.work) for k in kinds for n in POOLS[k]]
        wait(jobs)
        wait([workers.submit(judge, kind, seeds, given.work) for kind, seeds in chunks])
    paths = [row_path(kind, seed, given.work) for kind, seeds in chunks for seed in seeds]
    rows = [row for path in paths for row in json.loads(path.read_text())]
    table = summary(rows)
    show(table, COLUMNS)
    print(store("false_positives", {"summary": table, "rows": rows}, given.out), flush=True)


def wait(jobs: Sequence[Any]) -> None:
    """Say what is done, as it is done."""
    begin = time.monotonic()
    for done, job in enumerate(as_completed(jobs), 1):
        print(f"{done}/{len(jobs)}  {time.monotonic() - begin:.0f} s  {job.result()}", flush=True)


if __name__ == "__main__":
    main()
