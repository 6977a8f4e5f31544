"""Stages behind a figure over training: shades, boundaries, and how sure each boundary is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go

from somite.report.layout import axis_name
from somite.report.palette import BOUNDARY, FAINT, STAGE_SHADES, translucent
from somite.report.reading import boundaries, stage_spans

NARROW = 0.15  # share of the axis below which a stage is named by its number alone

if TYPE_CHECKING:
    from somite.study.results import Results


def shade_stages(figure: go.Figure, results: Results, panels: int, named: bool = False) -> None:
    """Draw stages, boundaries (dashed) and their 95 % intervals (grey) behind each panel.

    Args:
        figure: Changed in place; its x axes are at step + 1 on a log scale.
        results: Where the stages come from.
        panels: Number of subplots, counted from 1.
        named: Whether stages are named at the top of each panel.
    """
    for panel in range(1, panels + 1):
        _shade_panel(figure, results, panel)
        if named and boundaries(results):
            _name_stages(figure, results, panel)


def _shade_panel(figure: go.Figure, results: Results, panel: int) -> None:
    """Shapes of one panel."""
    place = {
        "xref": axis_name("x", panel),
        "yref": f"{axis_name('y', panel)} domain",
        "y0": 0,
        "y1": 1,
        "layer": "below",
    }
    for index, (first, last) in enumerate(stage_spans(results)):
        shade = {"fillcolor": STAGE_SHADES[index % 2], "line": {"width": 0}}
        figure.add_shape(type="rect", x0=first + 1, x1=last + 1, **shade, **place)
    for boundary in boundaries(results):
        interval = {"fillcolor": translucent(FAINT, 0.22), "line": {"width": 0}}
        figure.add_shape(
            type="rect", x0=boundary.low + 1, x1=boundary.high + 1, **interval, **place
        )
        dashed = {"color": BOUNDARY, "width": 1.3, "dash": "dash"}
        at = boundary.step + 1
        figure.add_shape(
            type="line", x0=at, x1=at, line=dashed, **place | {"layer": "above"}, opacity=0.7
        )


def _name_stages(figure: go.Figure, results: Results, panel: int) -> None:
    """The number of each stage, in the middle of its stretch (annotations take log10)."""
    spans = stage_spans(results)
    ends = np.log10(np.array(spans) + 1)
    narrow = (ends[:, 1] - ends[:, 0]) / (ends[-1, 1] - ends[0, 0]) < NARROW
    for index in range(len(spans)):
        figure.add_annotation(
            x=float(ends[index].mean()),
            xref=axis_name("x", panel),
            y=1,
            yref=f"{axis_name('y', panel)} domain",
            yanchor="top",
            text=f"{index + 1}" if narrow[index] else f"stage {index + 1}",
            showarrow=False,
            font={"size": 11, "color": FAINT},
        )
