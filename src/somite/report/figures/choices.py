"""Buttons that change which numbers a figure shows, such as the checkpoint."""

from collections.abc import Sequence

import plotly.graph_objects as go


def choose(figures: Sequence[go.Figure], names: Sequence[str]) -> go.Figure:
    """Put figures of the same layout into one, with a button for each; the last is shown first.

    Args:
        figures: Same panels in each, so that traces can take each other's place.
        names: Names on the buttons.

    Returns:
        A figure with the layout of the last one; without buttons when there is one figure only.
    """
    shown = go.Figure(figures[-1])
    if len(figures) == 1:
        return shown
    shown.data = ()
    sizes = [len(figure.data) for figure in figures]
    for index, figure in enumerate(figures):
        for trace in figure.data:
            shown.add_trace(trace.update(visible=index == len(figures) - 1))
    buttons = [
        {
            "label": name,
            "method": "restyle",
            "args": [
                {"visible": [at == index for at, size in enumerate(sizes) for _ in range(size)]}
            ],
        }
        for index, name in enumerate(names)
    ]
    place = {"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 30}}
    menu = {"type": "buttons", "direction": "right", "active": len(names) - 1, "showactive": True}
    shown.update_layout(updatemenus=[{"buttons": buttons, **menu, **place}])
    shown.update_layout(height=shown.layout.height + 44, margin_t=shown.layout.margin.t + 44)
    return shown
