"""rLLC of every component over training: a panel per layer, a colour per group, ±2 MCSE."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from somite.estimators.verdict import GOOD
from somite.report.figures.lines import band, line
from somite.report.figures.shading import shade_stages
from somite.report.figures.verdicts import PANELS, hover_text
from somite.report.layout import axis_name, label, step_axis, styled
from somite.report.palette import category_color, category_dash
from somite.report.reading import (
    by_layer,
    components_of,
    group_of,
    group_title,
    heads,
    spread,
    steps,
)
from somite.report.words import singular

if TYPE_CHECKING:
    from somite.study.results import Results

HOVER = "rLLC %{y:.3g} ± %{customdata[0]:.2g} (MCSE)<br>%{customdata[1]}"
MOST_COLUMNS = 3
LABEL_ROOM = 0.09


def curves_figure(results: Results, height: int) -> go.Figure:
    """Curves of all components, stages behind them, each curve named at its end.

    Args:
        results: With llc, groups, stages.
        height: Pixels for a row of panels.

    Returns:
        The figure; its legend has one entry per group.
    """
    layers = by_layer(heads(results))
    columns = min(len(layers), MOST_COLUMNS)
    rows = math.ceil(len(layers) / columns)
    titles = [f"<b>layer {label(layer)}</b>" if layer else "" for layer in layers]
    figure = make_subplots(
        rows, columns, shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.03
    )
    named: set[int] = set()
    low, high = value_range(results.llc)
    for index, members in enumerate(layers.values()):
        row, column = index // columns + 1, index % columns + 1
        figure.add_traces(_panel(results, members, named), rows=row, cols=column)
        _name_ends(figure, results, members, index + 1, 16 / (height - 110) * (high - low))
    shade_stages(figure, results, len(layers), named=True)
    styled(figure, height * rows, margin={"l": 52, "r": 8, "t": 62, "b": 46})
    figure.update_layout(legend={"y": 1 + 30 / (height * rows - 108), "itemwidth": 30})
    figure.update_xaxes(**step_axis(steps(results), LABEL_ROOM))
    figure.update_yaxes(range=[low, high])
    figure.update_yaxes(title_text="rLLC (no unit), ± 2 MCSE", col=1)
    return figure


def value_range(llc: xr.Dataset) -> tuple[float, float]:
    """Range of the y axis: all bands, and room for the names of the stages."""
    low = float((llc["llc"] - 2 * llc["mcse"]).min())
    high = float((llc["llc"] + 2 * llc["mcse"]).max())
    width = high - low if high > low else 1.0
    return min(
        low - 0.03 * width, 0.0
    ) if low < 0.3 * high else low - 0.05 * width, high + 0.1 * width


def _panel(results: Results, members: list[str], named: set[int]) -> list[go.Scatter]:
    """Bands and lines of one layer; `named` remembers groups already in the legend."""
    groups, kind = group_of(results), singular(components_of(results))
    traces = []
    for head in members:
        curve = results.llc.sel(component=head)
        group = groups[head]
        color, family = category_color(group), group_title(results, group)
        traces.append(band(steps(results), curve["llc"], curve["mcse"], color, legendgroup=family))
        drawn = line(
            steps(results), curve["llc"], f"{kind} {head} · {family}", color, HOVER,
            customdata=_hover_data(curve), legendgroup=family, showlegend=False,
            line={"dash": category_dash(group)}, marker=_markers(curve),
        )  # fmt: skip
        traces.append(drawn)
        if group not in named:
            named.add(group)
            traces.append(_legend_entry(family, color, category_dash(group)))
    return traces


def _legend_entry(family: str, color: str, dash: str) -> go.Scatter:
    """An empty trace that stands for a group in the legend."""
    return go.Scatter(
        x=[None], y=[None], mode="lines", name=family, legendgroup=family,
        line={"color": color, "width": 3, "dash": dash},
    )  # fmt: skip


def _hover_data(curve: xr.Dataset) -> np.ndarray:
    """MCSE and verdicts of each checkpoint."""
    mcse = np.char.mod("%.2g", curve["mcse"].values.astype(float))
    chains, centers = (
        [
            hover_text(grade, why)
            for grade, why in zip(*(curve[n].values for n in names), strict=True)
        ]
        for names in PANELS.values()
    )
    said = [
        one if two == GOOD else f"{one}<br>center: {two}"
        for one, two in zip(chains, centers, strict=True)
    ]
    return np.column_stack([mcse, said])


def _markers(curve: xr.Dataset) -> dict[str, object]:
    """Dots; checkpoints whose chains are not good get an open, larger one."""
    bad = curve["verdict"].values.astype(str) != GOOD
    return {
        "line": {"width": np.where(bad, 1.5, 0).tolist()},
        "size": np.where(bad, 8, 3.5).tolist(),
        "symbol": np.where(bad, "circle-open", "circle").tolist(),
    }


def _name_ends(
    figure: go.Figure, results: Results, members: list[str], panel: int, gap: float
) -> None:
    """Write each component's name at the end of its curve, moved apart where curves meet."""
    groups = group_of(results)
    last = results.llc["llc"].isel(step=-1).sel(component=members).values.astype(float)
    known = [index for index in range(len(members)) if np.isfinite(last[index])]
    places = spread(last[known], gap)
    for place, index in zip(places, known, strict=True):
        head = members[index]
        figure.add_annotation(
            x=float(np.log10(steps(results)[-1] + 1)), xref=axis_name("x", panel), xanchor="left",
            y=float(place), yref=axis_name("y", panel), xshift=5, showarrow=False,
            text=f"<b>{label(head)}</b>", font={"size": 11, "color": category_color(groups[head])},
        )  # fmt: skip
