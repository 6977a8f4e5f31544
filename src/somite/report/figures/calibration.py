"""The map of a calibration: estimate and verdict at settings around the chosen one."""

from __future__ import annotations

import math
import textwrap

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from somite.estimators.verdict import GRADES
from somite.report.figures.maps import bar, heat, plain_grid
from somite.report.figures.verdicts import grade_index, scale
from somite.report.layout import label, styled
from somite.report.palette import FAINT, INK, category_color

ROW_HEIGHT, WIDTH = 108, 70
TOP = 1.6

TITLES = ("n_beta and localization", "step_size alone")


def calibration_figure(found: xr.Dataset) -> go.Figure:
    """Left n_beta × localization at the usual step, right other steps at the chosen scale.

    Args:
        found: Estimates, errors and verdicts (trial, component), with `n_beta`, `localization`,
            `step_size` and `chosen` over trial, as `somite.calibration` makes them.

    Returns:
        The figure. A cell shows the mean over the components of the estimate and of its error,
        and the worst verdict; the chosen setting has a frame.
    """
    chosen = found.isel(trial=int(np.flatnonzero(found.chosen.values)[0]))
    same = (found.n_beta == chosen.n_beta) & (found.localization == chosen.localization)
    steps = found.isel(trial=np.flatnonzero(same.values))
    scales = found.isel(trial=np.flatnonzero((~same | found.chosen).values))
    figure = make_subplots(
        1, 2, column_widths=[0.72, 0.28], horizontal_spacing=0.12,
        subplot_titles=[f"<b>{title}</b>" for title in TITLES],
    )  # fmt: skip
    _panel(figure, scales, ("n_beta", "localization"), 1)
    _panel(figure, steps, ("step_size", None), 2)
    styled(figure, 3 * ROW_HEIGHT + 110, coloraxis=bar(scale()))
    figure.update_layout(margin={"l": 76, "r": 16, "t": 40, "b": 56})
    plain_grid(figure)
    figure.update_xaxes(title_text="localization", col=1)
    figure.update_yaxes(title_text="n_beta", col=1)
    figure.update_yaxes(title_text="step_size", col=2)
    return figure


def _panel(figure: go.Figure, found: xr.Dataset, axes: tuple[str, str | None], column: int) -> None:
    """Add the cells of one panel, and a frame around the chosen one."""
    rows = sorted(set(found[axes[0]].values.tolist()), reverse=True)
    columns = sorted(set(found[axes[1]].values.tolist())) if axes[1] else [None]
    shape = (len(rows), len(columns))
    grades = np.full(shape, np.nan)
    texts, details = np.full(shape, "", dtype=object), np.full(shape, "", dtype=object)
    for trial in range(found.sizes["trial"]):
        one = found.isel(trial=trial)
        row = rows.index(float(one[axes[0]]))
        place = row, columns.index(float(one[axes[1]])) if axes[1] else 0
        grades[place] = grade_index(one.verdict.values.astype(str)).max()
        texts[place] = _text(one, GRADES[int(grades[place])])
        details[place] = _details(one)
        if bool(one.chosen):
            _frame(figure, place, column)
    names = [f"{value:.6g}" for value in rows]
    across = [f"{value:.6g}" if value is not None else "chosen scale" for value in columns]
    cells = heat(grades, names, across, "%{customdata}", texts)
    cells.update(coloraxis="coloraxis", customdata=details, textfont={"size": 13, "color": INK})
    figure.add_trace(cells, row=1, col=column)


def _text(one: xr.Dataset, grade: str) -> str:
    """Estimate, error and verdict in two lines."""
    estimate, error = float(one.llc.mean()), float(one.mcse.mean())
    if np.isnan(estimate):
        return f"no estimate<br>{grade}"
    return f"<b>{estimate:.3g}</b> ± {error:.2g}<br>{grade}"


def _details(one: xr.Dataset) -> str:
    """All components with their reasons."""
    head = f"n_beta {float(one.n_beta):.6g}, localization {float(one.localization):g}, "
    lines = [f"<b>{head}step_size {float(one.step_size):g}</b>"]
    for name in one.component.values:
        cell = one.sel(component=name)
        lines.append(
            f"{label(name)}: {float(cell.llc):.3g} ± {float(cell.mcse):.2g}, {cell.verdict.item()}"
        )
        lines += [f"  {label(line)}" for line in textwrap.wrap(str(cell.reason.item()), WIDTH)]
    return "<br>".join(lines)


def _frame(figure: go.Figure, place: tuple[int, int], column: int) -> None:
    y, x = place
    figure.add_shape(
        type="rect", x0=x - 0.49, x1=x + 0.49, y0=y - 0.48, y1=y + 0.48,
        line={"color": category_color(0), "width": 4}, row=1, col=column,
    )  # fmt: skip


def ratio_figure(ratio: xr.DataArray, localization: float) -> go.Figure:
    """Rise over pull of the loss by localization, the chosen one marked.

    Args:
        ratio: Over localization.
        localization: The chosen one.

    Returns:
        The figure.
    """
    figure = go.Figure(
        go.Scatter(
            x=ratio.localization.values, y=ratio.values, mode="lines+markers",
            line={"color": category_color(0), "width": 2},
            hovertemplate="localization %{x}<br>ratio %{y:.3f}<extra></extra>",
        )
    )  # fmt: skip
    styled(figure, 260)
    figure.add_vline(localization, line={"color": FAINT, "dash": "dot"})
    place = {"x": math.log10(localization), "y": 0.06, "yref": "paper", "showarrow": False}
    figure.add_annotation(**place, text=" chosen", xanchor="left")
    figure.update_xaxes(type="log", dtick=1, title_text="localization")
    figure.update_yaxes(title_text="rise / pull", range=[0, TOP])
    return figure
