"""Does a sweep that was killed twice end with the table of one that was not? Do two workers help?

A sweep of 24 settings × 3 seeds of small parity networks runs once undisturbed with one worker and
once with two. Then, in a new folder, its process group is killed with SIGKILL when a third and when
two thirds of the models are there, and the same command is given again. Compared are all columns of
the tables but the seconds.

    python benchmarks/sweep_resume.py [--tiny]
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from record import options, show, store

from somite.sweeps import load_table

DESIGN = """
subject = "parity"
description = "Many small networks, to be killed."
seeds = {seeds}

[base]
tasks = 2
size = 2
steps = {steps}
batch_size = 32
checkpoints = 3

[factors]
hidden = {hidden}
l2 = [0.0, 1e-3]
locality = [0.0, 0.1]
learning_rate = [0.005, 0.01]
"""
SIZES = {"seeds": [0, 1, 2], "steps": 400, "hidden": [8, 12, 16]}
TINY = {"seeds": [0, 1], "steps": 4, "hidden": [4, 5]}


def start(design: Path, out: Path, workers: int) -> "subprocess.Popen[bytes]":
    """Start the sweep in a process group of its own."""
    command = [sys.executable, "-m", "somite.cli.main", "sweep", str(design)]
    command += ["--out", str(out), "--workers", str(workers)]
    with (design.parent / "sweep.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def finish(design: Path, out: Path, workers: int) -> float:
    """Run the sweep to its end; the seconds that took."""
    begin = time.monotonic()
    if start(design, out, workers).wait() != 0:
        sys.exit((design.parent / "sweep.log").read_text())
    return time.monotonic() - begin


def killed(design: Path, out: Path, workers: int, models: int) -> int:
    """Start the sweep and kill it when so many models are there; how many there are then."""
    process = start(design, out, workers)
    while process.poll() is None and len(made := list(out.glob("models/*/model.json"))) < models:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(made)


def main() -> None:
    """Measure and store."""
    given = options(__doc__ or "").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        design = place / "killed.toml"
        design.write_text(DESIGN.format(**(TINY if given.tiny else SIZES)))
        one, two = (finish(design, place / f"with-{n}", n) for n in (1, 2))
        total = len(list((place / "with-1").glob("models/*/model.json")))
        there = [killed(design, place / "again", 2, part * total // 3) for part in (1, 2)]
        finish(design, place / "again", 2)
        tables = [
            load_table(place / name).drop(columns="seconds")
            for name in ("with-1", "with-2", "again")
        ]
        rows = [{
            "models": int(tables[0][["model", "seed"]].drop_duplicates().shape[0]),
            "seconds_one_worker": one,
            "seconds_two_workers": two,
            "speedup": one / two,
            "models_after_each_kill": there,
            "two_workers_same_table": bool(tables[1].equals(tables[0])),
            "killed_same_table": bool(tables[2].equals(tables[0])),
        }]  # fmt: skip
    show(rows, list(rows[0]))
    store("sweep_resume", {"rows": rows}, given.out)


if __name__ == "__main__":
    main()
