"""Which method finds known modules? Methods × ground truths × seeds (docs/modules.md).

    python benchmarks/comparison.py [--truths NAME ...] [--seeds N] [--workers N] [--work FOLDER]

Networks of neurons. For each matrix: AUC of pairs (same module or not), ARI of the partition found
without being told the number of modules, p of its verdict, seconds. Each (truth, seed) is a file in
the work folder; what is there is not done again.
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
import xarray as xr
from record import finite, options, show, store
from sklearn.metrics import adjusted_rand_score

from somite.core.errors import InputError
from somite.modularity import is_modular
from somite.modularity.statistics import pair_auc
from somite.truths.catalogue import CONTROLS, PLANTED, TRAINED, TRANSFORMED
from somite.truths.methods import NEURON_METHODS, fits
from somite.truths.truth import GroundTruth

SEEDS, REPEATS = 5, 99
WORK = Path("runs/comparison")
BUILDERS = {**PLANTED, **TRAINED, **CONTROLS, **TRANSFORMED}
NEURONS = [name for name in BUILDERS if "MLP" in name] + [
    *("sparse parity", "clusterability-trained", "pairs of digits", "double addition"),
    *("sum or product", "shared features", "modular addition", "pairs of digits, null weight"),
]
COLUMNS = ("truth", "method", "family", "auc", "ari", "modular", "seeds", "seconds")
Row = dict[str, Any]


def judged(matrix: xr.DataArray, truth: GroundTruth, null: str, seed: int) -> Row:
    """Scores of a matrix against the modules that are known."""
    names = [n for n in matrix.component.values.tolist() if n in truth.labels]
    labels = np.unique([truth.labels[n] for n in names], return_inverse=True)[1]
    inside = matrix.sel(component=names, other=names)
    found = is_modular(matrix, seed, null=null, repeats=REPEATS)
    ours = found.label.sel(component=names) if "component" in found.coords else found.label
    weights = np.nan_to_num(inside.transpose("component", "other").values.astype(float))
    return {
        "auc": float(pair_auc(weights, labels)),
        "ari": float(adjusted_rand_score(labels, ours.values)),
        "p": float(found.p_value),
        "components": len(names),
    }


def measure(name: str, seed: int, work: Path) -> Path:
    """All methods on one network, kept as a file."""
    path = work / f"{name.replace(' ', '_').replace(',', '')}-{seed}.json"
    if path.is_file():
        return path
    torch.set_num_threads(1)
    begin, truth, rows = time.perf_counter(), BUILDERS[name](seed), []
    built = time.perf_counter() - begin
    for method_name, method in NEURON_METHODS.items() if fits(truth) else ():
        begin = time.perf_counter()
        row = {"truth": name, "seed": seed, "method": method_name, "family": method.family}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row |= judged(method.matrix(truth), truth, method.null, seed)
        except InputError as error:
            row["refused"] = str(error)
        rows.append(row | {"seconds": time.perf_counter() - begin})
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(finite({"rows": rows, "built": built})))
    partial.replace(path)
    return path


def summary(rows: Sequence[Row]) -> list[Row]:
    """Means over seeds."""
    found = []
    for truth, method in dict.fromkeys((row["truth"], row["method"]) for row in rows):
        own = [r for r in rows if (r["truth"], r["method"]) == (truth, method)]
        known = [r for r in own if "ari" in r]
        line = {"truth": truth, "method": method, "family": own[0]["family"], "seeds": len(known)}
        for name in ("auc", "ari"):
            values = [r[name] for r in known if r[name] is not None]
            line[name] = float(np.mean(values)) if values else None
        line["modular"] = sum(r["p"] < 0.05 for r in known)
        line["seconds"] = float(np.mean([r["seconds"] for r in own]))
        found.append(line)
    return found


def main() -> None:
    """Measure what is missing; print and store."""
    parser = options(__doc__)
    parser.add_argument("--truths", nargs="*", default=NEURONS, metavar="NAME")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of what is done")
    arguments = parser.parse_args()
    if unknown := set(arguments.truths) - set(BUILDERS):
        parser.error(f"no truth {', '.join(sorted(unknown))}: take {', '.join(BUILDERS)}")
    truths = arguments.truths[:1] if arguments.tiny else arguments.truths
    seeds = 1 if arguments.tiny else arguments.seeds
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.workers, mp_context=context) as pool:
        jobs = {
            pool.submit(measure, name, seed, arguments.work): f"{name}, seed {seed}"
            for seed in range(seeds)
            for name in truths
        }
        begin, paths = time.monotonic(), []
        for job in as_completed(jobs):
            paths.append(job.result())
            print(f"{len(paths)}/{len(jobs)}  {time.monotonic() - begin:.0f} s  {jobs[job]}")
    rows = [row for path in sorted(paths) for row in json.loads(path.read_text())["rows"]]
    table = summary(rows)
    show(table, COLUMNS)
    print(store("comparison", {"summary": table, "rows": rows}, arguments.out), flush=True)


if __name__ == "__main__":
    main()
