"""How components answer to domains, and the directions of the response matrix, with the control."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from somite.report.figures.maps import ROW_HEIGHT, heat, plain_grid
from somite.report.layout import label, styled, thin
from somite.report.palette import CATEGORIES, DIVERGING, FAINT, INK, category_color

SHOWN = 3
"""Directions whose loadings are drawn, and tested."""
MOST_MODES = 10
RUNS = {
    "posterior": ("posterior", CATEGORIES[0], "circle"),
    "control": ("control, no loss", CATEGORIES[1], "circle-open"),
    "shuffled": ("posterior, tokens shuffled", FAINT, "x-thin-open"),
}
CLIP = 0.97
"""Share of the answers that are not cut off by the colours."""


def unit_of(values: Any) -> tuple[float, str]:
    """A power of ten that suits the larger ones of some numbers, and the unit in words.

    Example:
        >>> unit_of(np.array([0.0, 3.2e-5, -1e-5]))
        (1e-05, '10⁻⁵ nats²')
    """
    finite = np.abs(np.asarray(values, dtype=float))
    finite = finite[np.isfinite(finite) & (finite > 0)]
    power = math.floor(math.log10(float(np.quantile(finite, CLIP)))) if finite.size else 0
    raised = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return float(f"1e{power}"), f"10{raised} nats²"


def matrix_figure(table: xr.Dataset, level: float) -> go.Figure:
    """χ of every component to every domain.

    Args:
        table: Of `somite.study.response_tables.response_tables`.
        level: Of q, below which a cell that differs from the control is marked.

    Returns:
        The figure; labels hold errors, q and the control.
    """
    unit, words = unit_of(table.domain_susceptibility)
    values = table.domain_susceptibility.values / unit
    said = np.vectorize(_said)(
        *(table[f"domain_{name}"].values / unit for name in ("susceptibility", "mcse")),
        *(table[f"domain_{name}"].values / unit for name in ("control", "control_mcse")),
        *(table[f"domain_{name}"].values for name in ("q", "control_q")),
    )
    marks = np.where(table.domain_control_q.values < level, "∗", "")
    text = np.char.add(np.char.mod("%.2g", values), marks)
    names = [[str(name) for name in table[axis].values] for axis in ("component", "group")]
    hover = f"<b>%{{y}}, %{{x}}</b> (in {words})<br>%{{customdata}}"
    cells = heat(values, *names, hover, text)
    reach = float(np.nanquantile(np.abs(values), CLIP)) or 1.0
    bar = {"title": {"text": f"χ, {words}"}, "thickness": 12, "outlinewidth": 0}
    cells.update(colorscale=DIVERGING, zmin=-reach, zmax=reach, colorbar=bar, customdata=said)
    margin = {"l": 60, "r": 16, "t": 10, "b": 56}
    figure = styled(go.Figure(cells), ROW_HEIGHT * len(names[0]) + 110, margin=margin)
    plain_grid(figure)
    figure.update_yaxes(title_text="component")
    return figure


def _said(*numbers: float) -> str:
    """Label of a cell."""
    value, error, control, control_error, q, control_q = numbers
    return (
        f"χ = {value:.3g} ± {error:.2g}, q = {q:.2g}<br>"
        f"control {control:.3g} ± {control_error:.2g}; differs: q = {control_q:.2g}"
    )


def singular_figure(table: xr.Dataset) -> go.Figure:
    """Singular values of the response matrix, of the control, and of chance, with errors.

    They are divided by the root of the number of tokens, so that records of any length compare.
    """
    items = table.sizes["example"] * table.sizes["token"]
    count = min(table.sizes["mode"] - 1, MOST_MODES)  # the last one is 0: rows are centred
    figure = go.Figure()
    for place, (run, (name, color, symbol)) in enumerate(RUNS.items()):
        chosen = table[["singular_value", "singular_value_error"]].sel(run=run)
        one = chosen.isel(mode=slice(count)) / np.sqrt(items)
        trace = go.Scatter(
            x=np.arange(1, count + 1) + 0.08 * (place - 1),
            y=thin(one.singular_value),
            error_y={"array": thin(one.singular_value_error), "width": 2, "thickness": 1.2},
            mode="markers+lines",
            name=name,
            line={"color": color, "width": 1},
            marker={"color": color, "symbol": symbol, "size": 8, "line": {"width": 1.5}},
            hovertemplate="%{y:.3f} ± %{error_y.array:.2g}<extra>" + name + "</extra>",
        )
        figure.add_trace(trace)
    styled(figure, 320)
    figure.update_xaxes(title_text="direction", dtick=1, range=[0.5, count + 0.5])
    figure.update_yaxes(title_text="singular value / √tokens", rangemode="tozero")
    return figure


def loadings_figure(table: xr.Dataset, kinds: Mapping[str, str]) -> go.Figure:
    """Loadings of the components on the first directions, those of the control beside them.

    Args:
        table: Of `somite.study.response_tables.response_tables`.
        kinds: Role of each component that has one, by name.
    """
    count = min(SHOWN, table.sizes["mode"] - 1)
    names = [str(name) for name in table.component.values]
    titles = [f"<b>direction {i + 1}</b>" for i in range(count)]
    figure = make_subplots(count, 1, shared_xaxes=True, subplot_titles=titles)
    roles = ["", *dict.fromkeys(kinds.values())]
    for row in range(count):
        own, control = (table.sel(run=run).isel(mode=row) for run in ("posterior", "control"))
        turn = -1.0 if float((own.loading * control.loading).sum()) < 0 else 1.0
        named = _points(names, control, turn, FAINT, "circle-open", "control, no loss", 0.22)
        figure.add_trace(named.update(showlegend=row == 0), row=row + 1, col=1)
        for index, role in enumerate(roles):
            chosen = [i for i, name in enumerate(names) if kinds.get(name, "") == role]
            color = category_color(index) if role else INK
            one, title = own.isel(component=chosen), role or "no known role"
            points = _points(chosen, one, 1.0, color, "circle", title, -0.1)
            figure.add_trace(points.update(showlegend=row == 0), row=row + 1, col=1)
    styled(figure, 170 * count + 90, margin={"l": 56, "r": 16, "t": 60, "b": 56})
    ticks = {"tickvals": list(range(len(names))), "ticktext": [label(name) for name in names]}
    figure.update_xaxes(**ticks, range=[-0.6, len(names) - 0.4], showgrid=True)
    figure.update_xaxes(title_text="component", row=count, col=1)
    figure.update_yaxes(title_text="loading", zeroline=True, zerolinecolor=FAINT)
    figure.update_layout(legend={"y": 1.0 + 28 / (170 * count - 30)})
    return figure


def _points(
    places: Sequence[Any], one: xr.Dataset, turn: float, color: str, symbol: str, name: str,
    shift: float,
) -> go.Scatter:  # fmt: skip
    """Loadings with error bars, beside the places of their components."""
    numbers = [i if isinstance(i, int) else k for k, i in enumerate(places)]
    return go.Scatter(
        x=[i + shift for i in numbers],
        y=thin(turn * one.loading),
        error_y={"array": thin(one.loading_error), "width": 2, "thickness": 1.2},
        mode="markers",
        name=name,
        legendgroup=name,
        marker={"color": color, "symbol": symbol, "size": 7},
        text=[label(component) for component in one.component.values],
        hovertemplate="<b>%{text}</b> %{y:.2f} ± %{error_y.array:.2g}<extra>" + name + "</extra>",
    )
