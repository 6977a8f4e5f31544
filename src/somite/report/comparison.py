"""One self-contained page about a comparison of methods: a figure, and how to read it."""

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from somite.report.figures.comparison import comparison_figure
from somite.report.page import Chart
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
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    partial.write_text(render_comparison(rows), encoding="utf-8")
    partial.replace(target)
    return target


def render_comparison(rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole page as text."""
    found = {str(row["method"]): str(row["family"]) for row in rows}
    methods = {name: found[name] for name in COMPARED if name in found}
    figure = comparison_figure(summary([dict(row) for row in rows]), methods)
    seeds = len({row["seed"] for row in rows})
    chart = Chart("comparison", TITLE, NOTE.format(seeds=seeds), figure)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(str(_asset("comparison.html.j2"))).render(
        chart=chart,
        style=_asset("report.css"),
        script=_asset("report.js"),
        plotly=Markup(get_plotlyjs()),
    )


def _asset(name: str) -> Markup:
    """A file of the template folder, which we wrote and trust."""
    path = resources.files("somite.report") / "templates" / name
    return Markup(path.read_text(encoding="utf-8"))
