"""Interactions drawn on the network itself: a row per layer, a line per pair."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.layout import label, styled
from somite.report.palette import DIVERGING, FAINT, INK, category_color

WIDEST = 9.0
"""Pixels of the strongest line."""
POSITIVE, NEGATIVE = DIVERGING[2][1], DIVERGING[0][1]


def network_figure(found: xr.Dataset, level: float) -> go.Figure:
    """Components as nodes at (number in layer, layer), lines for interactions with q below a level.

    Args:
        found: `interaction`, `mcse`, `q_value` (component, other) and `label` (component,); names
            "layer:number".
        level: Largest q of a line.

    Returns:
        The figure; lines within a layer are bent, so that none hides another.
    """
    names = [str(name) for name in found.component.values]
    places = {name: _place(name, i) for i, name in enumerate(names)}
    figure = go.Figure()
    values, errors = found.interaction.values, found.mcse.values
    strongest = float(np.nanmax(np.abs(values))) or 1.0
    rows, columns = np.triu_indices(len(names), 1)
    for i, j in zip(rows, columns, strict=True):
        if found.q_value.values[i, j] < level:
            said = f"<b>{label(names[i])} × {label(names[j])}</b><br>"
            said += f"I = {values[i, j]:.3g} ± {errors[i, j]:.2g}"
            width = max(WIDEST * abs(float(values[i, j])) / strongest, 0.5)
            color = POSITIVE if values[i, j] > 0 else NEGATIVE
            figure.add_trace(_line(places[names[i]], places[names[j]], width, color, said))
    figure.add_trace(_nodes(names, places, found.label.values))
    layers = sorted({layer for _, layer in places.values()})
    height = int(150 * len(layers) + 110)
    styled(figure, height, margin={"l": 60, "r": 16, "t": 10, "b": 46}, showlegend=False)
    figure.update_xaxes(title_text="head", dtick=1, showgrid=False, zeroline=False)
    figure.update_yaxes(
        title_text="layer", tickvals=layers, showgrid=False, zeroline=False,
        range=[min(layers) - 0.6, max(layers) + 0.6],
    )  # fmt: skip
    return figure


def _place(name: str, number: int) -> tuple[float, float]:
    """Number in its layer, and layer; components without layers stand in one row."""
    layer, _, inside = name.partition(":")
    if layer.isdigit() and inside.isdigit():
        return float(inside), float(layer)
    return float(number), 0.0


def _line(
    start: tuple[float, float], end: tuple[float, float], width: float, color: str, said: str
) -> go.Scatter:
    """A curve between two nodes; its label stands on every point."""
    part = np.linspace(0, 1, 17)
    x = start[0] + part * (end[0] - start[0])
    y = start[1] + part * (end[1] - start[1])
    if start[1] == end[1]:
        away = min(0.08 + 0.05 * abs(end[0] - start[0]), 0.45)
        y = y + (1 if start[1] else -1) * 4 * away * part * (1 - part)
    return go.Scatter(
        x=x, y=y, mode="lines", line={"width": width, "color": color}, opacity=0.75,
        hovertemplate=said + "<extra></extra>",
    )  # fmt: skip


def _nodes(
    names: list[str], places: dict[str, tuple[float, float]], labels: np.ndarray
) -> go.Scatter:
    """All components, coloured by module; grey for those alone."""
    x, y = zip(*(places[name] for name in names), strict=True)
    return go.Scatter(
        x=x,
        y=y,
        mode="markers+text",
        text=[label(name) for name in names],
        textposition="middle center",
        textfont={"size": 10, "color": "#ffffff"},
        marker={
            "size": 30,
            "color": [category_color(int(i)) if (labels == i).sum() > 1 else FAINT for i in labels],
            "line": {"width": 1, "color": INK},
        },
        customdata=labels + 1,
        hovertemplate="<b>head %{text}</b><br>module %{customdata}<extra></extra>",
    )
