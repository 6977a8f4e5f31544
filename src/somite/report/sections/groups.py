"""Groups of components in each view, and how well the views agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.figures.maps import heat, plain_grid
from somite.report.findings import agreement_sentence, p_text
from somite.report.layout import label, styled
from somite.report.page import Chart, Section, Table
from somite.report.palette import INK, WRITTEN_MAP, category_color, translucent
from somite.report.reading import components_of, view_name, views
from somite.report.words import axis, plural, singular

if TYPE_CHECKING:
    from somite.study.results import Results


def section(results: Results) -> Section:
    """Labels of every component in every view, agreement between views, stability."""
    groups, kind = results.groups, singular(components_of(results))
    raster = Chart(
        "raster",
        f"Group of each {kind}" + (", seen four ways" if len(views(groups)) == 4 else ""),
        "One row per view; equal colour and number: same group within that row. Numbers of "
        "different rows do not correspond.",
        raster_figure(groups, kind, axis(components_of(results))),
    )
    agreement = Chart(
        "agreement",
        "Agreement between views (adjusted Rand index)",
        "1: same groups; 0: no more than chance. Below each value the permutation p-value, labels "
        "shuffled within layers.",
        agreement_figure(groups),
    )
    blocks = (raster, agreement, table(groups))
    title = f"Groups of {plural(components_of(results), short=True)}"
    return Section("groups", title, "Groups", lead(results), blocks)


def lead(results: Results) -> str:
    """Whether the views agree, and which view is missing."""
    left_out = results.groups.attrs.get("refined_left_out", "")
    why = f" Data-refined profiles could not be grouped and are left out: {left_out}"
    return agreement_sentence(results) + (why if left_out else "")


def raster_figure(groups: xr.Dataset, one: str, axis: str) -> go.Figure:
    """Components × views, coloured by label."""
    labels = groups["label"].transpose("view", "component").values.astype(int)
    labels = labels - labels.min(axis=1, keepdims=True)
    count = int(labels.max()) + 1
    colors = [translucent(category_color(index), 0.75) for index in range(count)]
    edges = [(index / count, (index + 1) / count) for index in range(count)]
    scale = [(at, color) for pair, color in zip(edges, colors, strict=True) for at in pair]
    names = [view_name(view) for view in views(groups)]
    cells = heat(
        labels, names, groups["component"].values.tolist(),
        f"<b>{one} %{{x}}</b><br>%{{y}}<br>group %{{text}}", labels + 1,
    )  # fmt: skip
    cells.update(colorscale=scale, zmin=-0.5, zmax=count - 0.5, showscale=False)
    cells.update(textfont={"size": 12, "color": "#000000"})
    height = 34 * len(names) + 90
    figure = styled(go.Figure(cells), height, margin={"l": 180, "r": 16, "t": 10, "b": 52})
    plain_grid(figure)
    figure.update_xaxes(title_text=axis)
    return figure


def agreement_figure(groups: xr.Dataset) -> go.Figure:
    """Views × views: ARI, and p below it."""
    ari = groups["ari"].transpose("view", "view_other").values.astype(float)
    p_values = groups["p_value"].transpose("view", "view_other").values.astype(float)
    ami = groups["ami"].transpose("view", "view_other").values.astype(float)
    names = [view_name(view) for view in views(groups)]
    same = np.eye(len(names), dtype=bool)
    text = [
        [
            "–" if same[i, j] else f"{ari[i, j]:.2f}<br>{label(p_text(p_values[i, j]))}"
            for j in range(len(names))
        ]
        for i in range(len(names))
    ]
    hover = "<b>%{y} × %{x}</b><br>ARI %{z:.2f}<br>AMI %{customdata:.2f}"
    cells = heat(np.where(same, np.nan, ari), names, names, hover, np.array(text))
    cells.update(
        colorscale=WRITTEN_MAP, zmin=0, zmax=1, customdata=ami, textfont={"size": 12, "color": INK}
    )
    cells.update(colorbar={"title": {"text": "ARI"}, "thickness": 12, "outlinewidth": 0})
    height = 62 * len(names) + 80
    figure = styled(go.Figure(cells), height, margin={"l": 180, "r": 16, "t": 10, "b": 40})
    plain_grid(figure)
    return figure


def table(groups: xr.Dataset) -> Table:
    """Number of groups and stability of each view."""
    rows = [
        [
            view_name(view),
            str(int(groups["n_groups"].sel(view=view))),
            _number(groups["stability"].sel(view=view)),
            str(groups["note"].sel(view=view).item()) if "note" in groups else "",
        ]
        for view in views(groups)
    ]
    note = "Stability: how well groups come back when chains and draws are resampled; 1 is perfect."
    if "behavior" in views(groups):
        note += " For the behaviour view: when a fifth of the heads is left out."
    return Table("Number of groups", ("view", "groups", "stability", "note"), rows, note)


def _number(value: xr.DataArray) -> str:
    """Two decimals, or a dash where nothing was measured."""
    return f"{float(value):.2f}" if np.isfinite(float(value)) else "–"
