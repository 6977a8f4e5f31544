"""Sparse parity: are modules born when the tasks are learned?

See docs/modules.md.

    python benchmarks/births.py [--first N] [--seeds N] [--work FOLDER]
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from record import finite, options, show, store

from somite.truths.births import BirthSettings, judged_births, module_births
from somite.truths.parity import TASKS, ParitySettings, sparse_parity

SEEDS, HIDDEN = 5, 64
WORK = Path("runs/births")
COLUMNS = ("seed", "task", "learned", "born", "distance", "right")
Row = dict[str, Any]


def births(seed: int) -> list[Row]:
    """A row for every task without a birth, and for every birth."""
    truth = sparse_parity(seed, ParitySettings(hidden=HIDDEN))
    bits = range(TASKS.tasks, TASKS.width)
    judged = judged_births(truth, *module_births(truth, bits, seed))
    rows = []
    for place in range(judged.sizes["birth"]):
        one = judged.isel(birth=place)
        task = str(one.task.item())
        rows.append(
            {"seed": seed, "task": task, "learned": truth.times.get(task), "born": float(one.step),
             "distance": float(one.distance), "right": bool(one.right)}
        )  # fmt: skip
    found = {row["task"] for row in rows if row["right"]}
    missed = [task for task in truth.times if task not in found]
    rows += [{"seed": seed, "task": task, "learned": truth.times[task]} for task in missed]
    return rows


def summary(rows: list[Row]) -> Row:
    """Tasks found, births, how many of them false, and distances of those that are right."""
    born = [row for row in rows if "born" in row]
    right = [row["distance"] for row in born if row["right"]]
    return {
        "tasks": len(right) + len(rows) - len(born),
        "found": len(right),
        "births": len(born),
        "false": len(born) - len(right),
        "median_distance": float(np.median(right)) if right else None,
    }


def main() -> None:
    """Train, look for births, print and store."""
    parser = options(__doc__)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of what is done")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.work.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(given.first, given.first + (1 if given.tiny else given.seeds)):
        path = given.work / f"{seed}.json"
        if not path.is_file():
            path.write_text(json.dumps(finite(births(seed))))
            print(seed, flush=True)
        rows += json.loads(path.read_text())
    show(rows, COLUMNS)
    record = {"settings": vars(BirthSettings()), "summary": summary(rows), "rows": rows}
    print(record["summary"])
    print(store("births", record, given.out), flush=True)


if __name__ == "__main__":
    main()
