"""Heat maps side by side on one colour scale."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from somite.report.layout import label, styled, thin
from somite.report.palette import INK

ROW_HEIGHT = 21


def maps_figure(
    panels: Mapping[str, np.ndarray],
    rows: Sequence[str],
    columns: Sequence[str],
    scale: Mapping[str, Any],
    axes: tuple[str, str],
    hover: str,
    texts: Mapping[str, np.ndarray] | None = None,
    details: Mapping[str, np.ndarray] | None = None,
) -> go.Figure:
    """One heat map per panel, all with the same rows, columns and colours.

    Args:
        panels: Values (row, column) of each panel, by its title.
        rows: Names of the rows, first on top.
        columns: Names of the columns.
        scale: Settings of the colour axis: colorscale, cmin, cmax, colorbar.
        axes: Titles of the x and y axes.
        hover: Template of a cell's label, of x, y, z, customdata.
        texts: What is written into the cells, by panel.
        details: What the label adds as customdata, by panel.

    Returns:
        The figure.
    """
    titles = [f"<b>{label(title)}</b>" for title in panels]
    figure = make_subplots(
        1, len(panels), shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.03
    )
    for index, (title, values) in enumerate(panels.items(), start=1):
        cells = heat(values, rows, columns, hover, (texts or {}).get(title))
        cells.update(coloraxis="coloraxis", customdata=(details or {}).get(title))
        figure.add_trace(cells, row=1, col=index)
    height = ROW_HEIGHT * len(rows) + 120
    styled(figure, height, coloraxis=bar(scale), margin={"l": 60, "r": 16, "t": 40, "b": 56})
    plain_grid(figure)
    figure.update_xaxes(title_text=axes[0])
    figure.update_yaxes(title_text=axes[1], col=1)
    return figure


def heat(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    hover: str,
    text: np.ndarray | None = None,
) -> go.Heatmap:
    """A heat map with thin gaps, so that each cell is seen as one."""
    looks: dict[str, Any] = {"xgap": 1, "ygap": 1, "hoverongaps": False}
    if text is not None:
        looks |= {"text": text, "texttemplate": "%{text}", "textfont": {"size": 10, "color": INK}}
    return go.Heatmap(
        z=thin(values),
        x=[label(name) for name in columns],
        y=[label(name) for name in rows],
        hovertemplate=hover + "<extra></extra>",
        **looks,
    )


def plain_grid(figure: go.Figure) -> None:
    """Names on both axes, first row on top, no grid lines."""
    figure.update_xaxes(type="category", showgrid=False, showline=False, tickcolor="white")
    figure.update_yaxes(
        type="category", showgrid=False, showline=False, tickcolor="white", autorange="reversed"
    )


def bar(scale: Mapping[str, Any]) -> dict[str, Any]:
    """Colour axis with a slim bar."""
    given = dict(scale)
    looks = {"thickness": 12, "outlinewidth": 0, "len": 0.9, "xpad": 6}
    given["colorbar"] = looks | given.get("colorbar", {})
    return given


def span(values: Any, share: float = 0.0) -> tuple[float, float]:
    """Range of the finite values, with the given share cut off at either end.

    Example:
        >>> span(np.array([1.0, np.nan, 3.0]))
        (1.0, 3.0)
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return 0.0, 1.0
    return float(np.quantile(finite, share)), float(np.quantile(finite, 1 - share))
