"""One self-contained page about a calibration: the settings, why, and the map around them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from somite.report.figures.calibration import calibration_figure, ratio_figure
from somite.report.page import Chart, Prose, Section, Table
from somite.report.writing import fill, write_page

if TYPE_CHECKING:
    from somite.calibration import Calibration

MAP_NOTE = (
    "Each cell is a short run at another setting: the estimate, averaged over the components "
    "{names} at the last checkpoint, ± its Monte Carlo error, and the worst verdict on its "
    "chains. The framed cell is the choice. Where estimates change from cell to cell by more than "
    "their errors, they depend on the setting: compare only what was sampled with one set. Hover "
    "for each component and the reason."
)
RATIO_NOTE = (
    "Rise of the loss under Gaussian displacements of this precision, over half the pull back to "
    "the center: 1 in a quadratic basin. Where it bends away (to the left), draws would reach "
    "beyond the form that the loss has near the center."
)
TRIAL_HEADS = (
    *("trial", "n_beta", "localization", "step_size", "draws", "good cells"),
    *("anharmonicity", "median error", "commonest trouble"),
)


def write_calibration(found: Calibration, name: str, path: str | os.PathLike[str]) -> Path:
    """Write the page, under a temporary name, moved to its place when whole.

    Args:
        found: The calibration.
        name: What was calibrated.
        path: Where the file goes; its folder is made.

    Returns:
        The path of the file.
    """
    return write_page(path, render_calibration(found, name))


def render_calibration(found: Calibration, name: str) -> str:
    """The whole page as text."""
    return fill(
        "calibration.html.j2",
        name=name,
        words=found.words,
        toml=settings_toml(found),
        map=_map(found),
        section=_evidence(found),
        good=f"{found.good:.0%}",
    )


def settings_toml(found: Calibration) -> str:
    """The settings as the section `sampling` of a recipe."""
    lines = [f"{name} = {_literal(value)}" for name, value in found.recipe.items()]
    return "\n".join(["[sampling]", *lines])


def _literal(value: object) -> str:
    """A string or a number as TOML."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _map(found: Calibration) -> Chart:
    names = ", ".join(map(str, found.map.component.values))
    title = "The map around the chosen setting"
    return Chart("map", title, MAP_NOTE.format(names=names), calibration_figure(found.map))


def _evidence(found: Calibration) -> Section:
    title = "What fixed the localization"
    ratio: Chart | Prose = Prose("No checkpoint has a basin, so that nothing fixed localization.")
    if found.ratio.size:
        figure = ratio_figure(found.ratio, found.localization)
        ratio = Chart("ratio", title, RATIO_NOTE, figure)
    lead = "The shape of the loss around the centers, and the short runs that led to the choice."
    return Section("evidence", "Evidence", "Evidence", lead, (ratio, _trials(found)))


def _trials(found: Calibration) -> Table:
    rows = []
    for i in range(found.trials.sizes["trial"]):
        one = found.trials.isel(trial=i)
        mark = " (chosen)" if bool(one.chosen) else ""
        scale = [f"{float(one[name]):.6g}" for name in ("n_beta", "localization", "step_size")]
        rows.append(
            (
                f"{i + 1}{mark}",
                *scale,
                f"{int(one.draws)}",
                f"{float(one.good):.0%}",
                f"{float(one.anharmonicity):.2f}",
                f"{float(one.relative_error):.1%}",
                str(one.trouble.item()),
            )
        )
    note = "Draws per chain. Good: share of the cells whose chains have the verdict good."
    return Table("Trials in their order", TRIAL_HEADS, rows, note)
