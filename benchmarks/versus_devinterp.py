"""somite beside devinterp 2.0.1, on the same model, text, target, minibatch size and draws.

    python benchmarks/versus_devinterp.py [steps] [error] [--tiny] [--repeats N] [--out FOLDER]

`steps`: chain steps per second over all 16 heads. Both run on two cores, as two threads or as two
processes of one thread, and the faster way counts. A step of somite holds its share of the checks
of a chain of the default length; neither side's setup counts, which `ratio_default_run` adds.

`error`: time to a standard error of 0.05 on every head's coefficient.

Needs the extra `bench`.
"""

import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from record import options, show, store
from speed import error_race, step_race
from speed.bars import bar, show_bars
from speed.peer_chains import available

PARTS = ("steps", "error")
MISSING = "devinterp is not installed: pip install -e '.[bench]', in an environment of its own."


def main() -> None:
    """Measure, print and store."""
    parser = options(__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--repeats", type=int, help="5 for steps, 40 for error")
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}: take {', '.join(PARTS)}")
    if not available():
        parser.exit(1, MISSING + "\n")
    for part in arguments.parts or PARTS:
        measure(part, arguments.out, arguments.repeats, tiny=arguments.tiny)


def measure(part: str, out: Path, repeats: int | None = None, *, tiny: bool = False) -> None:
    """One part: its numbers, its table, its file."""
    begin = time.perf_counter()
    found = {"steps": steps, "error": error}[part](repeats, tiny)
    found |= {"devinterp": version("devinterp"), "cores": os.cpu_count()}
    found["seconds"] = time.perf_counter() - begin
    show_bars(found["bars"])
    print(f"{found['seconds']:.0f} s; {store(f'versus_devinterp_{part}', found, out)}", flush=True)


def steps(repeats: int | None, tiny: bool) -> dict[str, Any]:
    """Chain steps per second."""
    found = step_race.race(repeats or step_race.REPEATS, tiny)
    show(step_race.rows(found), step_race.COLUMNS)
    found["bars"] = [
        bar(
            1,
            "chain steps per second over all heads, somite / devinterp",
            found["ratio"],
            least=2.5,
        )
    ]
    return found


def error(repeats: int | None, tiny: bool) -> dict[str, Any]:
    """Time to a standard error."""
    found = error_race.race(repeats or error_race.REPEATS, tiny)
    show(found["heads"], error_race.COLUMNS)
    best = found["summary"]["ratio"]
    what = f"seconds to a standard error of {error_race.ERROR:g}, devinterp / somite"
    found["bars"] = [
        bar(2, f"{what}, geometric mean over heads", best["geometric mean"], least=20),
        bar(2, f"{what}, least head", best["least"], least=6),
    ]
    return found


if __name__ == "__main__":
    main()
