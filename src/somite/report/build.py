"""Write the report: sections from results, put into one HTML file that needs nothing else."""

from __future__ import annotations

import os
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from somite.report.page import Section
from somite.report.sections import (
    ablation,
    attention,
    behavior,
    diagnostics,
    groups,
    modules,
    refined,
    settings,
    stages,
    training,
)
from somite.report.sections.overview import overview

if TYPE_CHECKING:
    from somite.study.results import Results

SECTIONS = (
    training,
    behavior,
    stages,
    groups,
    modules,
    refined,
    ablation,
    attention,
    diagnostics,
    settings,
)
OF_TRANSFORMERS = (behavior, modules, ablation, attention)
"""What is measured of our own transformers alone; a tracked series has none of it."""


def build_report(results: Results, path: str | os.PathLike[str]) -> Path:
    """Write results as one self-contained HTML file that opens offline.

    The file is written under a temporary name beside its place and moved there when whole.

    Args:
        results: Everything that was measured; refined, ablation and attention may be None, and
            their sections then say so.
        path: Where the file goes; its folder is made.

    Returns:
        The path of the file.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    partial.write_text(render(results), encoding="utf-8")
    partial.replace(target)
    return target


def render(results: Results) -> str:
    """The whole page as text."""
    return _template().render(
        overview=overview(results),
        sections=all_sections(results),
        style=_asset("report.css"),
        script=_asset("report.js"),
        viewer_script=_asset("viewer.js"),
        plotly=Markup(get_plotlyjs()),
    )


def all_sections(results: Results) -> list[Section]:
    """The sections after the first screen, in reading order."""
    left_out = () if results.behavior.data_vars else OF_TRANSFORMERS
    return [module.section(results) for module in SECTIONS if module not in left_out]


def _asset(name: str) -> Markup:
    """A file of the template folder, which we wrote and trust."""
    folder = resources.files("somite.report").joinpath("templates")
    return Markup(folder.joinpath(name).read_text(encoding="utf-8"))


@cache
def _template() -> jinja2.Template:
    """The page's template; text that comes in is escaped."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(str(_asset("report.html.j2")))
