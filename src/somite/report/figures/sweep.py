"""Figures of a sweep: effects of its factors, and measures against loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from somite.report.layout import styled
from somite.report.palette import FAINT, INK, category_color

if TYPE_CHECKING:
    import pandas as pd

ROW, LEAST = 30, 170
COLUMNS = 3


def effects_figure(found: pd.DataFrame, measures: Sequence[str], level: float = 0.05) -> go.Figure:
    """Effects with their intervals, one panel for each measure, three in a row.

    Args:
        found: Of `somite.sweeps.effects`.
        measures: Panels, from left to right.
        level: Effects with a larger q are drawn faintly.
    """
    terms = list(dict.fromkeys(found.term))
    columns, height = min(COLUMNS, len(measures)), max(LEAST, ROW * len(terms) + 90)
    lines = math.ceil(len(measures) / columns)
    figure = make_subplots(
        lines, columns, shared_yaxes=True, horizontal_spacing=0.04, vertical_spacing=0.3 / lines,
        subplot_titles=[f"<b>{name}</b>" for name in measures],
    )  # fmt: skip
    for panel, measure in enumerate(measures):
        row, column = panel // columns + 1, panel % columns + 1
        rows = found[found.measure == measure]
        for sure, part in rows.groupby(rows.q_value < level):
            figure.add_scatter(
                x=part.effect, y=part.term, mode="markers", row=row, col=column, showlegend=False,
                marker={"color": INK if sure else FAINT, "size": 8},
                error_x={"type": "data", "array": part.high - part.effect,
                         "arrayminus": part.effect - part.low, "thickness": 1.5},
                customdata=part[["low", "high", "q_value", "n"]],
                hovertemplate="%{y}<br>%{x:.3g} (95 %: %{customdata[0]:.3g} to "
                "%{customdata[1]:.3g})<br>q %{customdata[2]:.2g}, %{customdata[3]} models"
                "<extra></extra>",
            )  # fmt: skip
        figure.add_vline(x=0, line={"color": FAINT, "width": 1}, row=row, col=column)
    styled(figure, height * lines)
    figure.update_xaxes(nticks=5, tickangle=0)
    figure.update_yaxes(categoryorder="array", categoryarray=terms[::-1], automargin=True)
    return figure


def loss_figure(table: pd.DataFrame, factor: str, measures: Sequence[str]) -> go.Figure:
    """Measures along training against the loss, a line for each model, coloured by a factor.

    Args:
        table: Of `somite.sweeps.load_table`.
        factor: What the colour says.
        measures: Panels, from left to right.
    """
    figure = make_subplots(
        1, len(measures), horizontal_spacing=0.09,
        subplot_titles=[f"<b>{name}</b>" for name in measures],
    )  # fmt: skip
    levels = sorted(table[factor].unique())
    for column, measure in enumerate(measures, start=1):
        shown: set[object] = set()
        known = table.dropna(subset=[measure]).sort_values("step")
        for (level, _, _), run in known.groupby([factor, "model", "seed"]):
            figure.add_scatter(
                x=run.loss, y=run[measure], mode="lines+markers", row=1, col=column,
                name=f"{factor} = {level}", legendgroup=str(level), opacity=0.75,
                showlegend=column == 1 and level not in shown,
                line={"color": category_color(levels.index(level)), "width": 1.2},
                marker={"size": 4}, text=[f"step {step}" for step in run.step],
                hovertemplate="loss %{x:.3g}<br>%{y:.3g}<br>%{text}",
            )  # fmt: skip
            shown.add(level)
        figure.update_xaxes(title_text="loss (nats)", autorange="reversed", row=1, col=column)
    return styled(figure, 400, margin={"l": 56, "r": 16, "t": 76, "b": 48}).update_layout(
        legend={"y": 1.1}
    )
