"""The page of responses: matrix, directions, coloured text, clusters, motion, influences."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from somite.report.layout import short_step
from somite.report.sections import clusters, influence, motion, response, response_text
from somite.report.writing import asset, fill, write_page

if TYPE_CHECKING:
    from somite.study.results import Results

SECTIONS = (response, response_text, clusters, motion, influence)
"""In reading order; what else is made of recorded losses has its place here."""
VIEWERS = ("tokens.js", "clusters.js", "influence.js")


def build_response(results: Results, path: str | os.PathLike[str]) -> Path:
    """Write the page, one file that opens offline, under a temporary name moved when whole.

    Args:
        results: With `response` of at least one checkpoint.
        path: Where the file goes; its folder is made.

    Returns:
        The path of the file.
    """
    return write_page(path, render_response(results))


def render_response(results: Results) -> str:
    """The whole page as text."""
    step = short_step(max(results.response))
    return fill(
        "page.html.j2",
        title=f"How components answer to data at step {step}",
        study=str(results.settings.get("name", "")),
        measured=response.measured(results),
        findings=response.sentences(results),
        sections=[module.section(results) for module in SECTIONS],
        viewers=[asset(name) for name in VIEWERS],
    )
