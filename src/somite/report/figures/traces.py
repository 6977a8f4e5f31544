"""Traces of chosen cells: the scaled loss difference at each draw, one line per chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from somite.report.layout import label, styled, thin
from somite.report.palette import category_color, translucent
from somite.report.reading import components_of
from somite.report.words import singular
from somite.sampling.draws import REFERENCE

if TYPE_CHECKING:
    from somite.study.results import Results

ROW_HEIGHT = 195
COLUMNS = {"loss": ("draw", "minibatch"), "probe_loss": ("probe_draw", "probe")}


@dataclass(frozen=True)
class Cell:
    """A checkpoint and component whose traces are shown, and why."""

    step: int
    component: str
    why: str


def traces_figure(results: Results, cells: list[Cell]) -> go.Figure:
    """A row per cell; left minibatch losses, right probe losses, both times n_beta.

    The probe is the one of the target's own data; without it the right side stays empty.

    Args:
        results: With draws and the sampler's n_beta.
        cells: What is shown.

    Returns:
        The figure.
    """
    kind = singular(components_of(results))
    titles = [
        f"<b>{kind} {label(cell.component)}, step {cell.step}</b> ({label(cell.why)}), {name}"
        for cell in cells
        for _, name in COLUMNS.values()
    ]
    figure = make_subplots(
        len(cells), 2, subplot_titles=titles, horizontal_spacing=0.06,
        vertical_spacing=0.34 / len(cells),
    )  # fmt: skip
    n_beta = float(results.llc.attrs["n_beta"])
    for row, cell in enumerate(cells, start=1):
        draws = results.draws(cell.step).sel(component=cell.component)
        for column, (name, (axis, _)) in enumerate(COLUMNS.items(), start=1):
            for trace in _chains(draws, name, axis, n_beta, row == 1 and column == 1):
                figure.add_trace(trace, row=row, col=column)
    height = ROW_HEIGHT * len(cells) + 90
    styled(figure, height, margin={"l": 60, "r": 16, "t": 64, "b": 48})
    figure.update_layout(legend={"y": 1 + 28 / (height - 112)})
    figure.update_xaxes(title_text="draw", row=len(cells))
    figure.update_yaxes(title_text="n_beta × Δ loss", col=1)
    return figure


def _chains(
    draws: xr.Dataset, name: str, axis: str, n_beta: float, in_legend: bool
) -> list[go.Scatter]:
    """One line per chain."""
    values = draws[name].transpose(..., "chain", axis)
    if "probe" in values.dims:
        if REFERENCE not in values["probe"].values.astype(str):
            return []
        values = values.sel(probe=REFERENCE)
    at = draws[axis].values if axis in draws.coords else np.arange(values.sizes[axis])
    traces = []
    for index, chain in enumerate(values.values.astype(float)):
        family = f"chain {index}"
        trace = go.Scatter(
            x=thin(at), y=thin(n_beta * chain), mode="lines", name=family, legendgroup=family,
            showlegend=in_legend,
            line={"color": translucent(category_color(index), 0.8), "width": 1},
            hovertemplate=f"<b>{family}</b>, draw %{{x}}<br>%{{y:.3g}}<extra></extra>",
        )  # fmt: skip
        traces.append(trace)
    return traces
