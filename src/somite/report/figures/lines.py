"""Lines over training with their error bands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from somite.report.layout import label, thin
from somite.report.palette import translucent

BAND_OPACITY = 0.2


def line(
    steps: Sequence[int], values: Any, name: str, color: str, hover: str = "", **settings: Any
) -> go.Scatter:
    """A line over training, drawn at step + 1.

    Args:
        steps: Measured steps.
        values: One value per step.
        name: Name of the trace.
        color: Colour as #rrggbb.
        hover: What follows name and step in the label, as a Plotly template of y and customdata.
        settings: Further settings of the trace.

    Returns:
        The trace.
    """
    told = f"<b>{label(name)}</b><br>step %{{text}}<br>{hover or '%{y:.3g}'}<extra></extra>"
    looks = {"mode": "lines+markers", "marker": {"size": 4, "line": {"width": 0}}} | settings
    looks["line"] = {"color": color, "width": 1.8} | looks.get("line", {})
    return go.Scatter(
        x=np.asarray(steps) + 1,
        y=thin(values),
        name=label(name),
        hovertemplate=told,
        text=[f"{step:,}" for step in steps],
        **looks,
    )


def band(steps: Sequence[int], values: Any, error: Any, color: str, **settings: Any) -> go.Scatter:
    """Band of two errors on either side of a line; steps without an error are left out.

    Args:
        steps: Measured steps.
        values: One value per step.
        error: One standard error per step.
        color: Colour of the line, as #rrggbb.
        settings: Further settings of the trace.

    Returns:
        The trace: a filled outline without hover.
    """
    middle, half = np.asarray(values, dtype=float), 2 * np.asarray(error, dtype=float)
    known = np.isfinite(middle) & np.isfinite(half)
    x = (np.asarray(steps) + 1)[known]
    upper, lower = (middle + half)[known], (middle - half)[known]
    return go.Scatter(
        x=np.concatenate([x, x[::-1]]),
        y=thin(np.concatenate([upper, lower[::-1]])),
        fill="toself",
        fillcolor=translucent(color, BAND_OPACITY),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        **settings,
    )
