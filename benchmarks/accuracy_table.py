"""The tables of accuracy in docs/benchmarks.md, read from benchmarks/results/accuracy_*.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grid import MISSING, grid

NAMES = ("deep_linear", "peer", "coverage", "superposition")
GROUPS = {
    "all": "deep linear networks",
    "population": "of these, full gradients",
    "minibatches": "of these, minibatches",
}


def accuracy(folder: Path) -> str:
    """Errors against known values, coverage of intervals, agreement with long chains."""
    paths = {name: folder / f"accuracy_{name}.json" for name in NAMES}
    if not all(path.is_file() for path in paths.values()):
        return MISSING
    found = {name: json.loads(path.read_text()) for name, path in paths.items()}
    parts = (
        deep_linear(found["deep_linear"]["summary"]),
        peer(found["peer"]["summary"]),
        coverage(found["coverage"]["settings"]),
        superposition(found["superposition"]["points"]),
    )
    return "\n\n".join(parts)


def deep_linear(summary: Mapping[str, Any]) -> str:
    """How far estimates are from the truth, and how far in their own errors."""
    names = ("networks", "median_error", "worst_error", "share_beyond_2", "z_mean", "z_sd")
    rows = [
        (label, summary[key]["networks"], *(percent(summary[key][n]) for n in names[1:4]),
         *(summary[key][n] for n in names[4:]))
        for key, label in GROUPS.items()
    ]  # fmt: skip
    head = ("", "networks", "median error", "worst", "beyond 2 errors", "z, mean", "z, sd")
    return grid(head, rows)


def peer(summary: Mapping[str, Any]) -> str:
    """Devinterp on some of the same networks."""
    rows = [
        (name.replace("peer", "devinterp"), row["estimates"], percent(row["median_error"]),
         percent(row["worst_error"]))
        for name, row in summary.items()
    ]  # fmt: skip
    return grid(("on the same networks", "networks", "median error", "worst"), rows)


def coverage(settings: Any) -> str:
    """How often an interval of 95 % holds the kernel's own value, and the posterior's."""
    rows = [
        (row["target"], row["kernel"].partition("(")[0],
         *(percent(row[n]) for n in ("coverage_of_own", "coverage_of_posterior")))
        for row in settings
    ]  # fmt: skip
    return grid(("target", "kernel", "holds the kernel's own value", "holds the posterior's"), rows)


def superposition(points: Any) -> str:
    """Coefficients of the toy model of superposition, against long chains of HMC."""
    rows = [
        (row["point"], *(f"{row[n]:.2f} ± {row[e]:.2f}" for n, e in PAIRS), row["z"])
        for row in points
    ]
    return grid(
        ("point of the toy model of superposition", "somite", "four long chains of HMC", "z"), rows
    )


PAIRS = (("llc", "mcse"), ("reference", "reference_error"))
"""A value and its error."""


def percent(share: float | None) -> str:
    """A share of one; empty if it is not known."""
    return "" if share is None else f"{100 * share:.3g} %"
