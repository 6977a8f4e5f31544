"""Are interactions, shares and couplings what they should be? Truth is known in every case.

    python benchmarks/interaction.py [--tiny] [--out FOLDER]

Losses of two weights against quadrature, coupled quadratic blocks against closed form, and
duplicate subnetworks, where Gauss-Newton is wrong. Errors are given over the scale, the coefficient
of all weights (1 for couplings c).
"""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from couplings import duplicates, gaussians, planes
from couplings.compare import Row, compare, summary
from record import options, show, store

CHAINS = {"chains": 4, "burn_in": 100, "draws": 250, "probe_every": 50}
LONG = {"chains": 4, "burn_in": 500, "draws": 500, "thin": 4, "probe_every": 100}
COPIES = 32
FEW, SHORT = 40, {"chains": 2, "burn_in": 20, "draws": 40, "thin": 1}
"""In tiny mode every so manyth case is taken, and chains are short."""
COLUMNS = ("quantity", "cases", "within", "median_error", "signs")
PAIRED = ("d", "sampled", "error", "quadrature", "Gauss-Newton", "z", "z of Gauss-Newton")


def run(tiny: bool = False) -> dict[str, Any]:
    """All cases; in tiny mode a few of them, with short chains."""
    begin = time.process_time()
    cases = [*planes.problems(), *gaussians.problems()][:: FEW if tiny else 1]
    rows = [row for case in cases for row in compare(case, **CHAINS | (SHORT if tiny else {}))]
    pairs = [
        duplicates.compare(rank, 2 if tiny else COPIES, **LONG | (SHORT if tiny else {}))
        for rank in ((1,) if tiny else (1, 2))
    ]
    return {
        "chains": CHAINS,
        "cases": len(cases),
        "summary": summary(rows),
        "zero_coupling": zero(rows),
        "growing": growing(rows),
        "duplicates": pairs,
        "rows": rows,
        "seconds": time.process_time() - begin,
    }


def zero(rows: Sequence[Row]) -> float:
    """Largest |I| over the scale where there is no coupling."""
    apart = [row for row in rows if row["quantity"] == "interaction" and ", c 0," in row["case"]]
    return max((abs(row["estimate"]) for row in apart), default=float("nan"))


def growing(rows: Sequence[Row]) -> dict[str, float]:
    """Over sequences of growing coupling: rises of the sampled I, and falls by more than 2 errors.

    The pair that is first in its case stands for it.
    """
    series: dict[str, dict[str, Row]] = {}
    for row in rows:
        name, strength = row["case"].split(", c ")
        strength, rest = strength.split(", ", 1)
        if row["quantity"] == "interaction" and ("2c·uv" in name or "blocks" in name):
            series.setdefault(f"{name} {rest}", {}).setdefault(strength, row)
    steps = [step for found in series.values() for step in pairwise(found.values())]
    change = np.array([b["estimate"] - a["estimate"] for a, b in steps])
    error = np.array([np.hypot(a["error"], b["error"]) for a, b in steps])
    return {
        "steps": len(steps),
        "rise": int((change > 0).sum()),
        "fall_by_two_errors": int((change < -2 * error).sum()),
    }


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__).parse_args()
    torch.set_num_threads(1)
    found = run(arguments.tiny)
    show([{"quantity": name, **row} for name, row in found["summary"].items()], COLUMNS)
    show(found["duplicates"], PAIRED)
    print(f"no coupling: |I| at most {found['zero_coupling']:.2g}; growing: {found['growing']}")
    print(f"{found['seconds']:.0f} s; {store('interaction', found, arguments.out)}")


if __name__ == "__main__":
    main()
