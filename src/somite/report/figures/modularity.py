"""Modularity over training, with what matrices without modules give; agreement of methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.figures.lines import band, line
from somite.report.figures.shading import shade_stages
from somite.report.layout import step_axis, styled
from somite.report.palette import CATEGORIES, FAINT, category_color, category_dash, translucent
from somite.report.reading import steps as run_steps

if TYPE_CHECKING:
    from somite.study.results import Results

COLOR = CATEGORIES[0]
NULL_OPACITY = 0.28
HOVER = "Q = %{y:.3g} ± %{customdata[0]} (bootstrap)<br>%{customdata[1]}, q = %{customdata[2]}"


def modularity_figure(results: Results, through: xr.Dataset, level: float) -> go.Figure:
    """Signed modularity of the best partition at each checkpoint, and of matrices without modules.

    Args:
        results: For stages.
        through: Of `somite.study.through_time.through_time`.
        level: q below which a checkpoint has a filled dot.

    Returns:
        The figure: line with a band of two bootstrap errors, null band of 95 %, stages behind.
    """
    steps = [int(step) for step in through.step.values]
    figure = go.Figure()
    figure.add_traces(_null(steps, through))
    figure.add_trace(band(steps, through.modularity, through.modularity_sd, COLOR))
    beyond = through.q_value.values < level
    said = np.column_stack(
        [
            np.char.mod("%.2g", through.modularity_sd.values),
            np.where(beyond, "more than chance", "no more than chance"),
            np.char.mod("%.2g", through.q_value.values),
        ]
    )
    figure.add_trace(
        line(
            steps, through.modularity, "modularity ± 2 errors", COLOR, HOVER, customdata=said,
            marker=_dots(beyond),
        )
    )  # fmt: skip
    shade_stages(figure, results, 1, named=True)
    styled(figure, 340, margin={"l": 60, "r": 16, "t": 40, "b": 48})
    figure.update_xaxes(**step_axis(run_steps(results)))
    figure.update_yaxes(title_text="modularity Q (no unit)")
    return figure


def agreement_figure(
    results: Results, through: xr.Dataset, names: Mapping[str, str], level: float
) -> go.Figure:
    """Adjusted Rand index of the modules of other methods with ours at each checkpoint.

    Args:
        results: For stages.
        through: With ari and ari_p_value (step, baseline).
        names: What each method is called.
        level: p below which a checkpoint has a filled dot.

    Returns:
        The figure; 0 is agreement by chance.
    """
    steps = [int(step) for step in through.step.values]
    figure = go.Figure()
    for index, method in enumerate(str(name) for name in through.baseline.values):
        one = through.sel(baseline=method)
        said = np.char.mod("%.2g", one.ari_p_value.values)
        trace = line(
            steps, one.ari, names.get(method, method), category_color(index + 1),
            "ARI %{y:.2f}, p = %{customdata}", customdata=said,
            line={"dash": category_dash(8 * index)}, marker=_dots(one.ari_p_value.values < level),
        )  # fmt: skip
        figure.add_trace(trace)
    low = min(float(through.ari.min()), 0.0) - 0.1
    figure.add_hline(y=0, line={"color": FAINT, "width": 1.2, "dash": "dot"})
    shade_stages(figure, results, 1)
    styled(figure, 300, margin={"l": 60, "r": 16, "t": 40, "b": 48})
    figure.update_xaxes(**step_axis(run_steps(results)))
    figure.update_yaxes(title_text="ARI with our modules", range=[low, 1.05])
    return figure


def _dots(filled: np.ndarray) -> dict[str, object]:
    """Filled dots where something is more than chance, open ones elsewhere."""
    return {
        "size": 9,
        "symbol": np.where(filled, "circle", "circle-open").tolist(),
        "line": {"width": 1.6},
    }


def _null(steps: list[int], through: xr.Dataset) -> list[go.Scatter]:
    """Band and mean of the largest modularity of matrices without modules."""
    x = np.array(steps) + 1
    low, high = through.null_low.values, through.null_high.values
    inside = go.Scatter(
        x=np.concatenate([x, x[::-1]]), y=np.concatenate([high, low[::-1]]), fill="toself",
        fillcolor=translucent(FAINT, NULL_OPACITY), line={"width": 0}, mode="lines",
        name="matrices without modules (95 %)", hoverinfo="skip",
    )  # fmt: skip
    mean = go.Scatter(
        x=x, y=through.null_mean.values, mode="lines", name="their mean", hoverinfo="skip",
        line={"color": FAINT, "width": 1.4, "dash": "dot"},
    )  # fmt: skip
    return [inside, mean]
