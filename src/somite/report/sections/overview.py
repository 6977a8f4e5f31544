"""The first screen: all curves, the groups, three findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from somite.report.figures.curves import curves_figure
from somite.report.findings import findings, measured_line, quality
from somite.report.page import Chart
from somite.report.palette import category_color
from somite.report.reading import components_of, group_of, group_title, heads, main_view, view_name
from somite.report.roles import describe_group, roles
from somite.report.words import plural

if TYPE_CHECKING:
    from somite.study.results import Results

CHART_HEIGHT = 520


@dataclass(frozen=True)
class Group:
    """A group of components, for the list beside the curves."""

    name: str
    color: str
    heads: str
    description: str


@dataclass(frozen=True)
class Overview:
    """What the first screen holds."""

    title: str
    study: str
    measured: str
    findings: list[str]
    quality: list[tuple[str, str]]
    groups: list[Group]
    grouped_by: str
    chart: Chart


def overview(results: Results) -> Overview:
    """Compose the first screen."""
    kinds = plural(components_of(results))
    note = (
        f"Each line is one of the {kinds}, named at its end and coloured by its group; "
        "bands are ± 2 MCSE. Dashed: stage boundaries, grey: their 95 % intervals. Open circles: "
        "chains that are not good by their own verdict."
    )
    chart = Chart(
        "curves",
        f"Complexity of {kinds} over training (rLLC)",
        note,
        curves_figure(results, CHART_HEIGHT),
    )
    return Overview(
        title=f"When {len(heads(results))} {kinds} took shape",
        study=str(results.settings.get("name", "")),
        measured=measured_line(results),
        findings=findings(results),
        quality=quality(results),
        groups=group_list(results),
        grouped_by=view_name(main_view(results.groups)),
        chart=chart,
    )


def group_list(results: Results) -> list[Group]:
    """The groups of the main view: their heads and what they do at the end of training."""
    members: dict[int, list[str]] = {}
    for head, group in group_of(results).items():
        members.setdefault(group, []).append(head)
    known = roles(results.behavior)
    return [
        Group(
            group_title(results, group),
            category_color(group),
            ", ".join(names),
            describe_group(names, known),
        )
        for group, names in sorted(members.items())
    ]
