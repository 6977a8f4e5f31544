"""Tokens on a plane, checkpoint after checkpoint: a slider, a button that plays, colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.layout import label, short_step, styled
from somite.report.palette import FAINT, category_color

ORDER = (
    *("induction", "line_break", "space", "delimiter", "punctuation", "digit"),
    *("word_start", "word_end", "word_part", "other"),
)
"""A token of several kinds has the colour of the first: the rare ones come first."""
BEFORE = 12
"""Tokens shown before a token."""
STAY, MOVE = 1000, 700
"""Milliseconds of a checkpoint, and of the way to it."""
ROOM = 1.08


def motion_figure(table: xr.Dataset) -> go.Figure:
    """Places of tokens at every checkpoint, as frames; the last one is shown first.

    Args:
        table: Of `somite.study.motion.motion_tables`, with the `text` of each token.

    Returns:
        The figure; labels tell the token, how far it moved since the checkpoint before, the error.
    """
    first, words = first_kind(table).ravel(), np.array(contexts(table))
    names = [name for index, name in enumerate(ORDER) if (first == index).any()]
    members = {name: np.flatnonzero(first == ORDER.index(name)) for name in names}
    steps = table.checkpoint.values.tolist()
    frames = [
        go.Frame(name=str(step), data=[_moved(table, at, members[name]) for name in names])
        for at, step in enumerate(steps)
    ]
    traces = [
        go.Scatter(
            **_moved(table, len(steps) - 1, members[name]),
            text=words[members[name]].tolist(),
            mode="markers",
            name=name.replace("_", " "),
            marker={"color": kind_color(name), "size": 5, "opacity": 0.75},
            hovertemplate="%{text}<br>%{customdata}<extra>" + name.replace("_", " ") + "</extra>",
        )
        for name in names
    ]
    figure = styled(go.Figure(traces, frames=frames), 640, margin={"l": 56, "r": 16, "b": 120})
    reach = [float(np.abs(table.position.isel(axis=axis)).max()) * ROOM for axis in (0, 1)]
    figure.update_xaxes(title_text="first axis", range=[-reach[0], reach[0]])
    figure.update_yaxes(title_text="second axis", range=[-reach[1], reach[1]])
    return figure.update_layout(sliders=[_slider(steps)], updatemenus=[_buttons()])


def first_kind(table: xr.Dataset) -> np.ndarray:
    """The kind that gives a token its colour, as a place in `ORDER` (example, token)."""
    member = table.category_member.sel(category=list(ORDER)).values
    found: np.ndarray = member.argmax(0)
    return found


def kind_color(name: str) -> str:
    """Colour of a kind of token.

    Example:
        >>> kind_color("induction"), kind_color("other")
        ('#0072B2', '#7b8794')
    """
    return FAINT if name in ORDER[-2:] else category_color(ORDER.index(name))


def contexts(table: xr.Dataset) -> list[str]:
    """Every predicted token after the text before it, ready for a label."""
    vocabulary = [label(text) for text in table.text.values]
    found = []
    for row in table.token_id.values.tolist():
        for at in range(1, len(row)):
            before = "".join(vocabulary[token] for token in row[max(0, at - BEFORE) : at])
            found.append(f"{before}<b>{vocabulary[row[at]]}</b>")
    return found


def _moved(table: xr.Dataset, at: int, chosen: np.ndarray) -> dict[str, Any]:
    """Places of some tokens at a checkpoint, and how far they have moved."""
    one = table.isel(checkpoint=at)
    places = one.position.values.reshape(-1, 2)[chosen].round(3)
    squares = (one[name].values.ravel()[chosen] for name in ("square", "square_error"))
    said = [
        f"moved since the checkpoint before: {square:.2g} ± {error:.1g}" if at else ""
        for square, error in zip(*squares, strict=True)
    ]
    return {"x": places[:, 0].tolist(), "y": places[:, 1].tolist(), "customdata": said}


def _slider(steps: list[int]) -> dict[str, Any]:
    """One stop for each checkpoint."""
    stops = [
        {"label": short_step(step), "method": "animate", "args": [[str(step)], _way(0, 300)]}
        for step in steps
    ]
    return {
        "steps": stops,
        "active": len(steps) - 1,
        "currentvalue": {"prefix": "training step "},
        "pad": {"t": 50},
        "x": 0.14,
        "len": 0.86,
    }


def _buttons() -> dict[str, Any]:
    """Play, and stop."""
    play = _way(STAY, MOVE) | {"fromcurrent": True}
    return {
        "type": "buttons",
        "direction": "left",
        "showactive": False,
        "x": 0,
        "y": 0,
        "xanchor": "left",
        "yanchor": "top",
        "pad": {"t": 66},
        "buttons": [
            {"label": "▶ play", "method": "animate", "args": [None, play]},
            {"label": "■ stop", "method": "animate", "args": [[None], _way(0, 0)]},
        ],
    }


def _way(stay: int, move: int) -> dict[str, Any]:
    """How a picture changes into the next."""
    frame = {"duration": stay, "redraw": False}
    return {"mode": "immediate", "frame": frame, "transition": {"duration": move}}
