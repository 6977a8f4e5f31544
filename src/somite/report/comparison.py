"""One self-contained page about a comparison of methods: a figure, and how to read it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from somite.report.figures.comparison import comparison_figure
from somite.report.page import Chart
from somite.report.writing import fill, write_page
from somite.truths.methods import COMPARED
from somite.truths.tables import summary

TITLE = "Which method finds modules that are known?"
NOTE = (
    "Each cell is the mean over up to {seeds} networks. Blue is good: the number is how well the "
    "modules that a method finds, without being told how many there are, agree with those that are "
    "known. Orange is bad: modules found where there are none. × means that the method refused the "
    "network; empty cells that it does not apply. Hover for AUC, AMI, shifts and seconds."
)


def write_comparison(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> Path:
    """Write the page, under a temporary name, moved to its place when whole.

    Args:
        rows: Of `somite.truths.comparison.compare`.
        path: Where the file goes; its folder is made.

    Returns:
        The path of the file.
    """
    return write_page(path, render_comparison(rows))


def render_comparison(rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole page as text."""
    found = {str(row["method"]): str(row["family"]) for row in rows}
    methods = {name: found[name] for name in COMPARED if name in found}
    figure = comparison_figure(summary([dict(row) for row in rows]), methods)
    seeds = len({row["seed"] for row in rows})
    chart = Chart("comparison", TITLE, NOTE.format(seeds=seeds), figure)
    return fill("comparison.html.j2", chart=chart)
