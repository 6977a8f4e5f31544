"""Bars of the benchmarks: what was asked, what was measured, and whether it holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from record import show

COLUMNS = ("bar", "what", "measured", "least", "largest", "asked", "holds")


def bar(
    number: int,
    what: str,
    measured: float | Mapping[str, Any],
    *,
    least: float | None = None,
    most: float | None = None,
) -> dict[str, Any]:
    """One line of the table of bars.

    Args:
        number: Of the bar.
        what: What was measured.
        measured: A number, or a median with its range over repeats.
        least: Smallest number that holds; None if small is good.
        most: Largest number that holds.
    """
    found = measured if isinstance(measured, Mapping) else {"median": measured}
    value = float(found["median"])
    holds = (least is None or value >= least) and (most is None or value <= most)
    return {
        "bar": number,
        "what": what,
        "measured": value,
        "least": found.get("least"),
        "largest": found.get("largest"),
        "asked": f"≥ {least:g}" if least is not None else f"≤ {most:g}",
        "holds": "yes" if holds else "no",
    }


def show_bars(bars: Sequence[Mapping[str, Any]]) -> None:
    """Print them."""
    print()
    show(bars, COLUMNS)
