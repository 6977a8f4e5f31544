"""Are susceptibilities and influences what they should be?

    python benchmarks/response.py [--tiny] [--out FOLDER]

Random quadratic losses of single examples under random Gaussian posteriors, sampled by BAOAB, whose
variance of the weights is exact: covariances against gᵀΣh + ½ tr(AΣBΣ). Errors are given over the
scale, √(Var · Var) of the two factors (1 for correlations).
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from linear_response.gaussians import Row, sampled
from record import options, show, store

POSTERIORS, TOGETHER = 200, 8
CHAINS = {"chains": 48, "burn_in": 40, "draws": 60, "thin": 4}
SHORT = {"chains": 4, "draws": 16}
COLUMNS = ("quantity", "cases", "within", "median_error", "bias")


def run(tiny: bool = False) -> dict[str, Any]:
    """All cases; in tiny mode a few of them, with short chains."""
    begin = time.process_time()
    settings = CHAINS | (SHORT if tiny else {})
    rows = [row for size, numbers in groups(tiny) for row in sampled(size, numbers, **settings)]
    seconds = time.process_time() - begin
    return {
        "chains": settings,
        "posteriors": len({row["case"] for row in rows}),
        "summary": summary(rows),
        "seconds": seconds,
    }


def groups(tiny: bool) -> Iterator[tuple[int, range]]:
    """Sizes of the posteriors, and numbers of those that are sampled side by side."""
    together = 2 if tiny else TOGETHER
    for start in range(0, together if tiny else POSTERIORS, together):
        yield 3 + start // together % 4, range(start, start + together)


def summary(rows: Sequence[Row]) -> dict[str, Row]:
    """For each quantity: how many, how many within 2 errors, errors over the scale, bias.

    The bias is the mean deviation over the scale in its standard errors over the posteriors: pairs
    of one posterior are not independent.
    """
    found = {}
    for what in dict.fromkeys(row["quantity"] for row in rows):
        chosen = [row for row in rows if row["quantity"] == what]
        cases = sorted({row["case"] for row in chosen})
        off = {case: [] for case in cases}
        for row in chosen:
            scale_of = row["error"] / row["relative_error"]
            off[row["case"]].append((row["estimate"] - row["truth"]) / scale_of)
        means = np.array([np.mean(values) for values in off.values()])
        found[what] = {
            "cases": len(chosen),
            "within": float(np.mean([row["within"] for row in chosen])),
            "median_error": float(np.median([row["relative_error"] for row in chosen])),
            "bias": float(means.mean() / (means.std(ddof=1) / np.sqrt(len(means)))),
        }
    return found


def main() -> None:
    """Measure, print and store."""
    arguments = options(__doc__).parse_args()
    torch.set_num_threads(1)
    found = run(arguments.tiny)
    show([{"quantity": name, **row} for name, row in found["summary"].items()], COLUMNS)
    print(f"{found['seconds']:.0f} s; {store('response', found, arguments.out)}")


if __name__ == "__main__":
    main()
