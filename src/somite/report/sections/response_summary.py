"""Answers to data in the report: the section of the page of responses, and where that page is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from somite.report.page import Prose, Section
from somite.report.sections import response

if TYPE_CHECKING:
    from somite.study.results import Results

ELSEWHERE = "Text coloured by the answers, and influences: response.html, beside this file."


def section(results: Results) -> Section:
    """How components answer to domains and along which directions."""
    found = response.section(results)
    if not results.response:
        return found
    blocks = (*found.blocks, Prose(ELSEWHERE))
    return Section(found.key, found.title, found.short, found.lead, blocks)
