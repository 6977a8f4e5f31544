"""Does a run that was killed end with the numbers of one that was not?

The recipe `smoke` runs once undisturbed. Then, each time in a new folder, the command is started,
its process is killed with SIGKILL at a moment drawn uniformly from the undisturbed duration, and
the same command is given again. Compared are the bits of the corpus, of all checkpoints and their
losses, and of the arrays of all cells. No worker of a killed process may live on.

    python benchmarks/kill_resume.py [--kills 10] [--seed 0]
"""

import argparse
import json
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from somite.core.fingerprint import fingerprint
from somite.data.corpus import load_corpus
from somite.study.cells import contents, read_cell
from somite.study.folder import read_manifest
from somite.training import CheckpointSeries

RESULTS = Path(__file__).parent / "results" / "kill_resume.json"
PATIENCE = 10.0
"""Seconds within which the workers of a killed process must have ended."""


def start(out: Path) -> subprocess.Popen[bytes]:
    """Start the study in a process group of its own."""
    command = [sys.executable, "-m", "somite.cli.main", "run", "smoke"]
    command += ["--out", str(out), "--workers", "2"]
    with (out.parent / f"{out.name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def finish(out: Path) -> float:
    """Run the study to its end; returns the seconds it took."""
    begin = time.monotonic()
    if start(out).wait() != 0:
        sys.exit(f"the study failed, see {out}.log")
    return time.monotonic() - begin


def numbers(run: Path) -> dict[str, str]:
    """Fingerprint of every part of a finished study by its place."""
    manifest = read_manifest(run)
    series = CheckpointSeries(run / manifest["training"])
    corpus = load_corpus(run / manifest["corpus"])
    cells = {
        f"{kind} {place}": contents(read_cell(run / path))
        for kind, places in manifest["cells"].items()
        for place, path in places.items()
    }
    checkpoints = {f"weights {step}": fingerprint(series.weights(step)) for step in series.steps()}
    history = fingerprint(series.history())
    return {"corpus": corpus.fingerprint, "history": history, **checkpoints, **cells}


def survivors(group: int) -> list[int]:
    """Processes of a group that still run; those that only wait to be collected do not (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, owner = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it ended meanwhile
            continue
        if int(owner) == group and state != "Z":
            found.append(int(path.parent.name))
    return found


def orphans(group: int) -> list[int]:
    """Processes of a killed group that live on beyond all patience."""
    end = time.monotonic() + PATIENCE
    while (left := survivors(group)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def phase(run: Path) -> str:
    """How far a run has come."""
    kinds = (path.name for path in run.glob("cells/*"))
    counts = {kind: len(list(run.glob(f"cells/{kind}/*.zarr"))) for kind in kinds}
    steps = len(list(run.glob("training-*/step-*")))
    cells = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    return f"{steps} checkpoints, {cells or 'no cells'}"


def disturbed(out: Path, seconds: float, undisturbed: dict[str, str]) -> dict[str, object]:
    """Kill one run after so many seconds, give the command again, compare."""
    process = start(out)
    time.sleep(seconds)
    process.kill()
    process.wait()
    reached, alive = phase(out), orphans(process.pid)
    finish(out)
    found = numbers(out)
    names = sorted(undisturbed.keys() | found.keys())
    differing = [name for name in names if undisturbed.get(name) != found.get(name)]
    return {"seconds": seconds, "at": reached, "differing": differing, "orphans": len(alive)}


def main() -> None:
    """Kill, resume, compare, and say how often the numbers were identical."""
    parser = argparse.ArgumentParser(description="Kill and resume the smoke study.")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "undisturbed")
        duration = finish(whole)
        undisturbed = numbers(whole)
        print(f"undisturbed: {duration:.1f} s, {len(undisturbed)} parts", flush=True)
        trials = []
        for i in range(arguments.kills):
            out = Path(folder, f"killed-{i}")
            trials.append(disturbed(out, chance.uniform(0, duration), undisturbed))
            print(trials[-1], flush=True)
            shutil.rmtree(out)
    good = sum(not trial["differing"] and not trial["orphans"] for trial in trials)
    machine = f"{platform.machine()} {platform.system()}, Python {platform.python_version()}"
    result = {"machine": machine, "duration": duration, "identical": good, "trials": trials}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{good} of {len(trials)} identical")


if __name__ == "__main__":
    main()
