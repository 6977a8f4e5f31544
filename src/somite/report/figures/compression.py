"""Figures of compressibility: critical levels beside coefficients, over steps and head by head."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from somite.components.unions import FULL
from somite.report.figures.lines import band, line
from somite.report.figures.small import grid
from somite.report.layout import label, step_axis, styled
from somite.report.palette import FAINT, INK, category_color
from somite.report.reading import layer_of

HEIGHT = 300
BITS = "critical bits"


def bits_figure(found: xr.Dataset) -> go.Figure:
    """Critical bits and LLC of all weights over training, and one against the other.

    Args:
        found: Of `somite.study.compression_tables.compression_tables`.
    """
    whole, steps = found.sel(component=FULL), found.step.values.tolist()
    titles = ("over training", "LLC over training", "bits against LLC, a point per checkpoint")
    figure = make_subplots(1, 3, subplot_titles=[f"<b>{t}</b>" for t in titles],
                           horizontal_spacing=0.08)  # fmt: skip
    for column, name, error, words in (
        (1, "quantization", "quantization_error", BITS),
        (2, "llc", "mcse", "LLC of all weights"),
    ):
        color = category_color(column - 1)
        figure.add_trace(band(steps, whole[name], whole[error], color), row=1, col=column)
        drawn = line(steps, whole[name], words, color, showlegend=False)
        figure.add_trace(drawn, row=1, col=column)
        figure.update_xaxes(**step_axis(steps), row=1, col=column)
        figure.update_yaxes(title_text=words, row=1, col=column)
    figure.add_scatter(
        x=whole.llc, y=whole.quantization, mode="markers", row=1, col=3, showlegend=False,
        marker={"color": np.log10(np.array(steps) + 1), "colorscale": "Cividis", "size": 8},
        error_x={"type": "data", "array": whole.mcse, "thickness": 1, "color": FAINT},
        error_y={"type": "data", "array": whole.quantization_error, "thickness": 1, "color": FAINT},
        text=[f"step {step:,}" for step in steps],
        hovertemplate="<b>%{text}</b><br>LLC %{x:.3g}<br>%{y:.2f} bits<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="LLC of all weights (light: late)", row=1, col=3)
    figure.update_yaxes(title_text=BITS, row=1, col=3)
    return styled(figure, HEIGHT)


def components_figure(found: xr.Dataset) -> go.Figure:
    """Critical bits of each component against its rLLC, at the last checkpoint.

    Args:
        found: As for `bits_figure`.
    """
    names = [name for name in found.component.values.tolist() if name != FULL]
    last = found.isel(step=-1).sel(component=names)
    layers = [layer_of(str(name)) for name in names]
    order = sorted(set(layers))
    figure = go.Figure()
    for number, layer in enumerate(order):
        own = last.sel(component=[n for n, of in zip(names, layers, strict=True) if of == layer])
        figure.add_scatter(
            x=own.llc, y=own.quantization, mode="markers+text", name=f"layer {label(layer)}",
            text=[label(name) for name in own.component.values], textposition="top center",
            textfont={"size": 10, "color": category_color(number)},
            marker={"color": category_color(number), "size": 8},
            error_x={"type": "data", "array": own.mcse, "thickness": 1},
            error_y={"type": "data", "array": own.quantization_error, "thickness": 1},
            hovertemplate="<b>%{text}</b><br>rLLC %{x:.3g}<br>%{y:.2f} bits<extra></extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="rLLC")
    figure.update_yaxes(title_text=BITS)
    return styled(figure, 360)


def series_figure(found: xr.Dataset, titles: Mapping[str, str], unit: str) -> go.Figure:
    """Curves over training, a panel each, with two errors on either side.

    Args:
        found: As for `bits_figure`; of variables with components, those of all weights.
        titles: Title of each variable's panel.
        unit: Title of the y axes.
    """
    steps, columns = found.step.values.tolist(), 3
    figure, places = grid(list(titles.values()), min(columns, len(titles)))
    for name, (row, column) in zip(titles, places, strict=True):
        curve = found[name].sel(component=FULL) if "component" in found[name].dims else found[name]
        error = found.get(f"{name}_error")
        if error is not None:
            error = error.sel(component=FULL) if "component" in error.dims else error
            figure.add_trace(band(steps, curve, error, INK), row=row, col=column)
        drawn = line(steps, curve, titles[name], INK, showlegend=False)
        figure.add_trace(drawn, row=row, col=column)
    rows = places[-1][0]
    styled(figure, 230 * rows + 70)
    figure.update_xaxes(**step_axis(steps))
    figure.update_xaxes(title_text="training step (log)")
    figure.update_yaxes(title_text=unit, col=1)
    return figure
