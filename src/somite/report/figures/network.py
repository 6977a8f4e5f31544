"""Interactions drawn on the network itself: a row per layer, a line per pair."""

from collections import Counter

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.modularity.partition import STABLE
from somite.report.layout import label, styled
from somite.report.palette import DIVERGING, FAINT, INK, category_color, ink_on, pale

WIDEST = 9.0
"""Pixels of the strongest line."""
COLORS = {"redundant": DIVERGING[2][1], "cooperating": DIVERGING[0][1]}
SHORT = 4
"""Longest name that has room inside its node; longer ones stand below it."""


def network_figure(found: xr.Dataset, level: float, noun: str = "head") -> go.Figure:
    """Components as nodes at (number in layer, layer), lines for pairs that modules may join.

    Args:
        found: `interaction`, `mcse`, `q_value` (component, other), `label` and
            `module_stability` (component,), `p_adjusted` and `relation`, the kind of modules;
            names "layer:number" or without layer.
        level: Largest q of a line, and p of modules that are more than chance.
        noun: What a component is called.

    Returns:
        The figure; lines within a layer are bent, so that none hides another.
    """
    names = [str(name) for name in found.component.values]
    places, relation = node_places(names), str(found.relation.item())
    figure, color = go.Figure(), COLORS[relation]
    values, errors = found.interaction.values, found.mcse.values
    strongest = float(np.nanmax(np.abs(values))) or 1.0
    joined = (found.q_value.values < level) & ((values > 0) == (relation == "redundant"))
    rows, columns = np.triu_indices(len(names), 1)
    for i, j in zip(rows, columns, strict=True):
        if joined[i, j]:
            said = f"<b>{label(names[i])} × {label(names[j])}</b><br>"
            said += f"I = {values[i, j]:.3g} ± {errors[i, j]:.2g}"
            width = max(WIDEST * abs(float(values[i, j])) / strongest, 0.5)
            figure.add_trace(_line(places[names[i]], places[names[j]], width, color, said))
    figure.add_trace(_nodes(found, places, level, noun))
    layers = sorted({layer for _, layer in places.values()})
    height = int(150 * len(layers) + 110)
    styled(figure, height, margin={"l": 60, "r": 16, "t": 10, "b": 46}, showlegend=False)
    heads = noun == "head"
    figure.update_xaxes(
        title_text=noun, dtick=1, showgrid=False, zeroline=False, showticklabels=heads,
        ticks="outside" if heads else "",
    )  # fmt: skip
    figure.update_yaxes(
        title_text="layer", tickvals=layers, showgrid=False, zeroline=False,
        range=[min(layers) - 0.6, max(layers) + 0.6],
    )  # fmt: skip
    return figure


def node_places(names: list[str]) -> dict[str, tuple[float, float]]:
    """Number in its layer, and layer; components without layers stand in one row.

    A head has its own number; what else a layer holds stands behind.

    Example:
        >>> node_places(["0:0", "0:1", "0:neurons0", "1:0"])["0:neurons0"]
        (2.0, 0.0)
    """
    places: dict[str, tuple[float, float]] = {}
    counted = Counter[str]()
    for name in names:
        layer, found, inside = name.partition(":")
        row = layer if found and layer.isdigit() else ""
        number = max(int(inside), counted[row]) if inside.isdigit() else counted[row]
        counted[row] = number + 1
        places[name] = float(number), float(row or 0)
    return places


def _line(
    start: tuple[float, float], end: tuple[float, float], width: float, color: str, said: str
) -> go.Scatter:
    """A curve between two nodes; its label stands on every point."""
    part = np.linspace(0, 1, 17)
    x = start[0] + part * (end[0] - start[0])
    y = start[1] + part * (end[1] - start[1])
    if start[1] == end[1]:
        away = min(0.08 + 0.05 * abs(end[0] - start[0]), 0.45)
        y = y + (1 if start[1] else -1) * 4 * away * part * (1 - part)
    return go.Scatter(
        x=x, y=y, mode="lines", line={"width": width, "color": color}, opacity=0.75,
        hovertemplate=said + "<extra></extra>",
    )  # fmt: skip


def _nodes(
    found: xr.Dataset, places: dict[str, tuple[float, float]], level: float, noun: str
) -> go.Scatter:
    """All components, coloured by module; grey for those alone, pale where it may be chance."""
    names, labels = list(places), found.label.values
    x, y = zip(*places.values(), strict=True)
    inside = [len(name) <= SHORT for name in names]
    alone = [(labels == i).sum() == 1 for i in labels]
    stability = found.module_stability.values
    doubtful = (stability < STABLE) | (float(found.p_adjusted) >= level)
    colors = list(map(_color, labels, alone, doubtful))
    inks = [ink_on(color) if fits else INK for color, fits in zip(colors, inside, strict=True)]
    said = [
        "alone" if one else f"module {i + 1}, stability {s:.2f}"
        for one, i, s in zip(alone, labels, stability, strict=True)
    ]
    return go.Scatter(
        x=x,
        y=y,
        mode="markers+text",
        text=[label(name) for name in names],
        textposition=["middle center" if fits else "bottom center" for fits in inside],
        textfont={"size": 10, "color": inks},
        marker={"size": 30, "color": colors, "line": {"width": 1, "color": INK}},
        customdata=said,
        hovertemplate=f"<b>{noun} %{{text}}</b><br>%{{customdata}}<extra></extra>",
    )


def _color(module: int, alone: bool, doubtful: bool) -> str:
    own = category_color(int(module))
    return FAINT if alone else pale(own) if doubtful else own
