"""Small multiples over training: one panel per score, one line per head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from somite.report.figures.lines import band, line
from somite.report.figures.shading import shade_stages
from somite.report.layout import axis_name, label, step_axis, styled
from somite.report.palette import FAINT, category_color, category_dash
from somite.report.reading import group_of, group_title

if TYPE_CHECKING:
    from somite.study.results import Results

PANEL_HEIGHT = 250


def grid(titles: list[str], columns: int) -> tuple[go.Figure, list[tuple[int, int]]]:
    """Empty panels with titles, and the (row, column) of each."""
    rows = math.ceil(len(titles) / columns)
    figure = make_subplots(
        rows, columns, subplot_titles=[f"<b>{label(title)}</b>" for title in titles],
        horizontal_spacing=0.07, vertical_spacing=0.34 / rows if rows > 1 else 0,
    )  # fmt: skip
    return figure, [(index // columns + 1, index % columns + 1) for index in range(len(titles))]


def scores_figure(
    results: Results, titles: Mapping[str, str], unit: str, columns: int = 3
) -> go.Figure:
    """Scores of every head over training; colours are the groups, chance is dotted.

    Args:
        results: With behaviour scores of dims (step, component).
        titles: Title of each score's panel.
        unit: Title of the y axes.
        columns: Panels in a row.

    Returns:
        The figure; the highest head at the end of each panel is named.
    """
    behavior = results.behavior
    figure, places = grid(list(titles.values()), min(columns, len(titles)))
    named: set[int] = set()
    for panel, (score, (row, column)) in enumerate(zip(titles, places, strict=True), start=1):
        errors = behavior.get(f"{score}_standard_error")
        for trace in _score_lines(results, behavior[score], errors, named):
            figure.add_trace(trace, row=row, col=column)
        _mark_chance(figure, behavior[score], panel)
        _name_highest(figure, results, behavior[score], panel)
    _finish(figure, results, len(titles), places[-1][0])
    figure.update_yaxes(title_text=unit, col=1)
    return figure


def series_figure(
    results: Results, titles: Mapping[str, str], units: Mapping[str, str]
) -> go.Figure:
    """Scores of the whole model over training, one panel each.

    Args:
        results: With behaviour scores of dims (step,).
        titles: Title of each score's panel.
        units: Title of each y axis.

    Returns:
        The figure.
    """
    behavior = results.behavior
    steps = behavior["step"].values.tolist()
    figure, places = grid(list(titles.values()), len(titles))
    for panel, (score, (row, column)) in enumerate(zip(titles, places, strict=True)):
        color = category_color(panel)
        if f"{score}_standard_error" in behavior:
            errors = behavior[f"{score}_standard_error"]
            figure.add_trace(band(steps, behavior[score], errors, color), row=row, col=column)
        trace = line(steps, behavior[score], titles[score], color, showlegend=False)
        figure.add_trace(trace, row=row, col=column)
        figure.update_yaxes(title_text=units[score], row=row, col=column)
    _finish(figure, results, len(titles), 1)
    figure.update_layout(height=figure.layout.height - 30, margin_t=32)
    return figure


def _finish(figure: go.Figure, results: Results, panels: int, rows: int) -> None:
    """Stages, axes and size."""
    shade_stages(figure, results, panels)
    height = PANEL_HEIGHT * rows + 60
    styled(figure, height, margin={"l": 56, "r": 20, "t": 62, "b": 48})
    figure.update_layout(legend={"y": 1 + 26 / (height - 110)})
    figure.update_xaxes(**step_axis(results.behavior["step"].values.tolist(), 0.06))
    figure.update_xaxes(title_text="training step (log)")


def _score_lines(
    results: Results, scores: xr.DataArray, errors: xr.DataArray | None, named: set[int]
) -> list[go.Scatter]:
    """A line per head, with a band where errors are known; groups enter the legend once."""
    groups = group_of(results)
    steps = scores["step"].values.tolist()
    traces = []
    for head in (str(name) for name in scores["component"].values):
        group = groups.get(head, 0)
        color, family = category_color(group), group_title(results, group)
        values = scores.sel(component=head)
        if errors is not None:
            error = errors.sel(component=head)
            traces.append(band(steps, values, error, color, legendgroup=family))
        looks = {"color": color, "dash": category_dash(group), "width": 1.5}
        trace = line(
            steps, values, f"head {head}", color, mode="lines", line=looks,
            legendgroup=family, showlegend=False,
        )  # fmt: skip
        traces.append(trace)
        if group not in named:
            named.add(group)
            traces.append(_family(family, looks))
    return traces


def _family(family: str, looks: dict[str, object]) -> go.Scatter:
    """An empty trace that stands for a group in the legend."""
    return go.Scatter(x=[None], y=[None], mode="lines", name=family, legendgroup=family, line=looks)


def _mark_chance(figure: go.Figure, scores: xr.DataArray, panel: int) -> None:
    """Dotted line at the score of uniform attention, where it is known."""
    if "chance" not in scores.attrs:
        return
    chance = float(scores.attrs["chance"])
    figure.add_shape(
        type="line", xref=f"{axis_name('x', panel)} domain", yref=axis_name("y", panel),
        x0=0, x1=1, y0=chance, y1=chance, line={"color": FAINT, "width": 1.2, "dash": "dot"},
    )  # fmt: skip
    figure.add_annotation(
        xref=f"{axis_name('x', panel)} domain", yref=axis_name("y", panel), x=0.01, y=chance,
        text="chance", xanchor="left", yanchor="bottom", showarrow=False,
        font={"size": 10, "color": FAINT},
    )  # fmt: skip


def _name_highest(figure: go.Figure, results: Results, scores: xr.DataArray, panel: int) -> None:
    """Name the head that ends highest, at the end of its line."""
    last = scores.isel(step=-1).values.astype(float)
    if not np.isfinite(last).any():
        return
    best = int(np.nanargmax(last))
    head = str(scores["component"].values[best])
    figure.add_annotation(
        x=float(np.log10(int(scores["step"][-1]) + 1)), xref=axis_name("x", panel),
        y=float(last[best]), yref=axis_name("y", panel), xanchor="left", xshift=3,
        text=f"<b>{label(head)}</b>", showarrow=False,
        font={"size": 11, "color": category_color(group_of(results).get(head, 0))},
    )  # fmt: skip
