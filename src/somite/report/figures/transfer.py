"""Figure of transfer: how fast parts learn new text, and what is forgotten for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from somite.report.figures.lines import line
from somite.report.layout import label, step_axis, styled
from somite.report.palette import FAINT, INK, category_color, category_dash, translucent

HEIGHT = 400


def transfer_figure(found: xr.Dataset) -> go.Figure:
    """Loss on the new domain by step, and what was learned against what was forgotten.

    Args:
        found: Of `somite.study.transfer_tables.transfer_tables`.
    """
    titles = [f"loss on {found.attrs['domain']}", "at the end: learned, and forgotten"]
    figure = make_subplots(1, 2, subplot_titles=[f"<b>{label(t)}</b>" for t in titles],
                           horizontal_spacing=0.1)  # fmt: skip
    modules, heads = found.module.values.tolist(), found["head"].values.tolist()
    names = [str(name) for name in found["set"].values]
    wholes = [n for n in names if n not in (*modules, *heads) and ", random " not in n]
    steps = found.step.values.tolist()
    for number, name in enumerate(wholes):
        dash, curve = {"dash": category_dash(8 * number)}, found.learned.sel({"set": name})
        figure.add_trace(line(steps, curve, name, INK, line=dash), row=1, col=1)
    _points(figure, found, wholes, INK, symbol="square", size=7)
    _points(figure, found, heads, FAINT, symbol="circle-open", size=5, title="single heads")
    for number, module in enumerate(modules):
        color = category_color(number)
        sets = [n for n in names if n.startswith(f"{module}, random ")]
        _range(figure, found, sets, color)
        curve = found.learned.sel({"set": module})
        figure.add_trace(line(steps, curve, module, color), row=1, col=1)
        _points(figure, found, sets, translucent(color, 0.4), size=5,
                title=f"random sets like the {module}")  # fmt: skip
        _points(figure, found, [module], color, symbol="diamond", size=12, title=module,
                showlegend=False)  # fmt: skip
    figure.update_xaxes(**step_axis(steps), row=1, col=1)
    figure.update_xaxes(title_text="steps of fine-tuning (log)", row=1, col=1)
    figure.update_yaxes(title_text="nats/token", row=1, col=1)
    figure.update_xaxes(title_text=f"loss on {found.attrs['domain']}", row=1, col=2)
    figure.update_yaxes(title_text="rise of the loss on old domains", row=1, col=2)
    legend = {"orientation": "h", "x": 0, "y": -0.18, "yanchor": "top"}
    return styled(figure, HEIGHT, legend=legend, margin={"l": 56, "r": 16, "t": 40, "b": 120})


def _range(figure: go.Figure, found: xr.Dataset, sets: Sequence[str], color: str) -> None:
    """Where 95 % of the random sets are."""
    curves, x = found.learned.sel({"set": list(sets)}).values, found.step.values + 1
    low, high = np.quantile(curves, [0.025, 0.975], axis=0)
    figure.add_scatter(
        x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), fill="toself",
        fillcolor=translucent(color, 0.2), line={"width": 0}, mode="lines", hoverinfo="skip",
        showlegend=False, row=1, col=1,
    )  # fmt: skip


def _points(
    figure: go.Figure,
    found: xr.Dataset,
    names: Sequence[str],
    color: str,
    size: int,
    symbol: str = "circle",
    title: str = "",
    **looks: object,
) -> None:
    """Parts as points of what they learned and what was forgotten; without a title named there."""
    values = found.value.sel({"set": list(names)})
    figure.add_scatter(
        x=values.sel(measure="final"), y=values.sel(measure="forgetting"), name=label(title),
        mode="markers" if title else "markers+text", text=[label(n) for n in names],
        textposition="top right", textfont={"size": 10},
        marker={"color": color, "size": size, "symbol": symbol},
        hovertemplate="<b>%{text}</b><br>%{x:.3f}, forgotten %{y:.3f}<extra></extra>",
        row=1, col=2, **{"showlegend": bool(title), **looks},
    )  # fmt: skip
