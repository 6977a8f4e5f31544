"""The look that all figures share: fonts, margins, and the axis of training steps.

Training is shown on a log scale of step + 1, so that step 0 has a place; ticks are labelled with
the step itself.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from somite.report.palette import FAINT, GRID, INK

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
STEP_TITLE = "training step (log scale of step + 1)"
AXIS = {
    "gridcolor": GRID,
    "zerolinecolor": GRID,
    "linecolor": FAINT,
    "showline": True,
    "ticks": "outside",
    "tickcolor": FAINT,
    "ticklen": 4,
    "title": {"standoff": 8},
    "automargin": True,
}


def label(text: object) -> str:
    """Text as a label of a figure, where Plotly would read tags in it.

    Example:
        >>> label("<b>")
        '&lt;b&gt;'
    """
    return escape(str(text), quote=False)


def thin(values: Any) -> np.ndarray:
    """Values as float32: half the size in the file, and more digits than a screen shows."""
    return np.asarray(values, dtype=np.float32)


def styled(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """Give a figure the common look.

    Args:
        figure: Changed in place.
        height: Pixels.
        layout: Further settings of the layout, which win. Titles of subplots, which Plotly
            makes 16 high, get the common size; other annotations keep theirs.

    Returns:
        The same figure.
    """
    figure.update_layout(
        template="none",
        height=height,
        autosize=True,
        font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        margin={"l": 56, "r": 16, "t": 40, "b": 48},
        hoverlabel={"bgcolor": "white", "bordercolor": FAINT, "font": {"color": INK, "size": 12}},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "xanchor": "left"},
    )
    figure.update_xaxes(**AXIS)
    figure.update_yaxes(**AXIS)
    figure.update_annotations(font={"size": 12, "color": INK}, selector={"font": {"size": 16}})
    figure.update_layout(**layout)
    return figure


def short_step(step: float) -> str:
    """A step in few characters.

    Example:
        >>> short_step(0), short_step(300), short_step(1000), short_step(2500)
        ('0', '300', '1k', '2.5k')
    """
    return f"{step:g}" if step < 1000 else f"{step / 1000:.3g}k"


def step_ticks(first: float, last: float) -> list[int]:
    """Steps to label between the first and the last: 0 and about two in each factor of ten.

    Example:
        >>> step_ticks(0, 1000)
        [0, 3, 10, 30, 100, 300, 1000]
    """
    grid = [0] + [digit * 10**power for power in range(9) for digit in (1, 3)]
    within = [step for step in grid if first <= step <= last]
    return [step for step in within if step != 1]


def step_axis(steps: Sequence[int], room: float = 0.0) -> dict[str, Any]:
    """Settings of an x axis over training.

    Args:
        steps: Measured steps.
        room: Free room to the right for labels, as a share of the axis.

    Returns:
        Settings for `update_xaxes`; points belong at step + 1.
    """
    ticks = step_ticks(min(steps), max(steps))
    low, high = np.log10(min(steps) + 1), np.log10(max(steps) + 1)
    width = max(high - low, 0.1)
    return {
        "type": "log",
        "tickvals": [step + 1 for step in ticks],
        "ticktext": [short_step(step) for step in ticks],
        "range": [low - 0.02 * width, high + (0.02 + room) * width],
        "title": {"text": STEP_TITLE, "standoff": 8},
    }


def axis_name(letter: str, index: int) -> str:
    """Reference of the subplot axis with this number, counted from 1.

    Example:
        >>> axis_name("x", 1), axis_name("y", 3)
        ('x', 'y3')
    """
    return letter if index == 1 else f"{letter}{index}"
