"""Write the report: sections from results, put into one HTML file that needs nothing else."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from somite.report.page import Section
from somite.report.reading import tracked
from somite.report.sections import (
    ablation,
    attention,
    behavior,
    cards,
    compression,
    diagnostics,
    groups,
    modules,
    refined,
    response_summary,
    settings,
    stages,
    training,
    transfer,
)
from somite.report.sections.overview import overview
from somite.report.writing import asset, fill, write_page
from somite.study import load_results
from somite.study.folder import writable

if TYPE_CHECKING:
    from somite.study.results import Results

SECTIONS = (
    training,
    behavior,
    stages,
    groups,
    modules,
    cards,
    transfer,
    response_summary,
    refined,
    ablation,
    attention,
    compression,
    diagnostics,
    settings,
)
OF_TRANSFORMERS = (
    *(behavior, modules, cards, transfer, response_summary, ablation, attention),
    compression,
)
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
    return write_page(path, render(results))


def rebuild_report(run: Path) -> tuple[Results, Path]:
    """Read a finished run again, and write its report anew.

    Args:
        run: Its folder.

    Returns:
        The results, and the path of the report.

    Raises:
        InputError: If there is no finished run, or the report cannot be written.
    """
    results = load_results(run)
    with writable(run):
        return results, build_report(results, run / "report.html")


def render(results: Results) -> str:
    """The whole page as text."""
    return fill(
        "report.html.j2",
        overview=overview(results),
        sections=all_sections(results),
        viewer_script=asset("viewer.js"),
    )


def all_sections(results: Results) -> list[Section]:
    """The sections after the first screen, in reading order."""
    left_out = OF_TRANSFORMERS if tracked(results) else ()
    found: list[Section] = []
    for part in SECTIONS:
        if part is modules and part not in left_out:
            found += modules.sections(results)
        elif part not in left_out:
            found.append(part.section(results))
    return found
