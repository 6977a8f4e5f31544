"""Tokens on a plane, checkpoint after checkpoint: a slider, a button that plays, colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

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

    Principal components; beside them, where it was made, the first picture by UMAP.

    Args:
        table: Of `somite.study.motion.motion_tables`, with the `text` of each token.

    Returns:
        The figure; labels tell the token, how far it moved since the checkpoint before, the error.
    """
    panels = {"principal components": table.position}
    if "umap_position" in table:
        panels["UMAP, first seed"] = table.umap_position.isel(picture=0)
    steps = table.checkpoint.values.tolist()
    kinds = members(table)
    moved = [_moved(table, at) for at in range(len(steps))]
    frames = [
        go.Frame(
            name=str(step),
            data=[
                {"x": x, "y": y, "customdata": moved[at][chosen].tolist(), "type": "scatter"}
                for places in panels.values()
                for chosen in kinds.values()
                for x, y in [_places(places.isel(checkpoint=at), chosen)]
            ],
        )
        for at, step in enumerate(steps)
    ]
    figure = _panels(table, {n: places.isel(checkpoint=-1) for n, places in panels.items()}, 640)
    for trace, last in zip(figure.data, frames[-1].data, strict=True):
        trace.customdata = last.customdata
        trace.hovertemplate = f"%{{text}}<br>%{{customdata}}<extra>{trace.name}</extra>"
    for column, places in enumerate(panels.values(), 1):
        reach = abs(places).max(("checkpoint", "example", "token")) * ROOM
        for axis, update in enumerate((figure.update_xaxes, figure.update_yaxes)):
            update(range=[-float(reach[axis]), float(reach[axis])], col=column)
    figure.frames = frames
    layout = {"sliders": [_slider(steps)], "updatemenus": [_buttons()]}
    return figure.update_layout(margin={"l": 56, "r": 16, "b": 120}, **layout)


def seeds_figure(table: xr.Dataset) -> go.Figure:
    """The pictures by UMAP at the last checkpoint, one for each seed.

    Args:
        table: With `umap_position`.

    Returns:
        The figure.
    """
    last = table.umap_position.isel(checkpoint=-1)
    return _panels(table, {f"seed {i + 1}": last[i] for i in range(last.sizes["picture"])}, 420)


def _panels(table: xr.Dataset, places: Mapping[str, xr.DataArray], height: int) -> go.Figure:
    """Pictures of the same tokens side by side, a colour for each kind."""
    figure = make_subplots(1, len(places), subplot_titles=list(places), horizontal_spacing=0.06)
    words = np.array(contexts(table))
    for column, one in enumerate(places.values(), 1):
        for name, chosen in members(table).items():
            x, y = _places(one, chosen)
            title = name.replace("_", " ")
            trace = go.Scatter(
                x=x,
                y=y,
                text=words[chosen].tolist(),
                mode="markers",
                name=title,
                legendgroup=title,
                showlegend=column == 1,
                marker={"color": kind_color(name), "size": 5, "opacity": 0.75},
                hovertemplate=f"%{{text}}<extra>{title}</extra>",
            )
            figure.add_trace(trace, row=1, col=column)
    styled(figure, height, legend={"y": 1.06}, margin_t=64)
    figure.update_xaxes(title_text="first axis")
    figure.update_yaxes(title_text="second axis", col=1)
    return figure


def members(table: xr.Dataset) -> dict[str, np.ndarray]:
    """Tokens of every kind that there is, by the kind that gives them their colour."""
    first = first_kind(table).ravel()
    found = {name: np.flatnonzero(first == index) for index, name in enumerate(ORDER)}
    return {name: chosen for name, chosen in found.items() if chosen.size}


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


def _places(one: xr.DataArray, chosen: np.ndarray) -> tuple[list[float], list[float]]:
    """Places of some tokens, by axis."""
    x, y = one.values.reshape(-1, 2)[chosen].astype(float).round(3).T.tolist()
    return x, y


def _moved(table: xr.Dataset, at: int) -> np.ndarray:
    """How far every token has moved, in words."""
    one = table.isel(checkpoint=at)
    squares = (one[name].values.ravel() for name in ("square", "square_error"))
    said = [
        f"moved since the checkpoint before: {square:.2g} ± {error:.1g}" if at else ""
        for square, error in zip(*squares, strict=True)
    ]
    return np.array(said)


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
