"""Truths × methods: how well modules were found, and where there are none to find."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from somite.report.figures.maps import plain_grid
from somite.report.layout import label, styled
from somite.report.palette import FAINT, INK, WRITTEN_MAP

FALSE_MAP = ((0.0, "#ffffff"), (1.0, "#E58A4A"))
ROW, GAP, AROUND = 21, 60, 220
"""Heights in pixels: of a row, between panels, of everything around."""
HOVER = "<b>%{y}</b><br>%{x}<br>%{customdata}<extra></extra>"
Line = Mapping[str, Any]


def comparison_figure(lines: Sequence[Line], methods: Mapping[str, str]) -> go.Figure:
    """Three panels over the same methods: known modules, controls, known interactions of two.

    Args:
        lines: Means over seeds, see `somite.truths.tables.summary`.
        methods: Family of each method, in the order of the columns.

    Returns:
        The figure; colour is the mean ARI, the number of false verdicts, and the share of right
        signs.
    """
    panels = [panel for panel in PANELS if _rows(lines, panel["groups"])]
    heights = [ROW * len(_rows(lines, panel["groups"])) for panel in panels]
    total = sum(heights) + GAP * (len(panels) - 1)
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=GAP / (total + 1) if len(panels) > 1 else 0,
        subplot_titles=[panel["title"] for panel in panels],
    )
    for place, panel in enumerate(panels, start=1):
        figure.add_trace(_heat(lines, list(methods), panel), row=place, col=1)
    margin = {"l": 215, "r": 20, "t": 150, "b": 20}
    styled(figure, total + AROUND - GAP, margin=margin, showlegend=False)
    plain_grid(figure)
    figure.update_xaxes(showticklabels=False, range=[-0.5, len(methods) - 0.5])
    figure.update_xaxes(
        row=1, col=1, side="top", showticklabels=True, tickangle=-40, tickfont={"size": 11}
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 13, "color": INK})
    if panels:
        figure.layout.annotations[0].update(y=1, yshift=112, x=0, xshift=-205)
    for mark in figure.layout.annotations[1:]:
        mark.update(xshift=-205)
    _mark_families(figure, methods)
    return figure


def _rows(lines: Sequence[Line], groups: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(line["truth"] for line in lines if line["group"] in groups))


def _ari(line: Line) -> tuple[float | None, str]:
    value = line.get("ari")
    return value, "" if value is None else f"{value:.2f}"


def _false(line: Line) -> tuple[float | None, str]:
    value, count = line.get("modular"), line["seeds"]
    return (None, "") if value is None or not count else (value / count, f"{value} of {count}")


def _sign(line: Line) -> tuple[float | None, str]:
    value, count = line.get("sign_right"), line["seeds"]
    return (None, "") if value is None or not count else (value / count, f"{value} of {count}")


PANELS: tuple[dict[str, Any], ...] = (
    {
        "groups": ("planted", "trained", "transformed"),
        "title": "Known modules: mean ARI of the partition that was found (1 exact, 0 chance)",
        "cell": _ari,
        "scale": WRITTEN_MAP,
    },
    {
        "groups": ("control",),
        "title": "Controls without modules: false verdicts “modular” (p < 0.05)",
        "cell": _false,
        "scale": FALSE_MAP,
    },
    {
        "groups": ("pair",),
        "title": "Two components of known interaction: networks with the right sign (+, 0, −)",
        "cell": _sign,
        "scale": WRITTEN_MAP,
    },
)


def _heat(lines: Sequence[Line], methods: Sequence[str], panel: Mapping[str, Any]) -> go.Heatmap:
    truths = _rows(lines, panel["groups"])
    shape = (len(truths), len(methods))
    values = np.full(shape, np.nan)
    text, said = np.full(shape, "", object), np.full(shape, "does not apply", object)
    for line in lines:
        if line["group"] in panel["groups"] and line["method"] in methods:
            at = truths.index(line["truth"]), methods.index(line["method"])
            value, text[at] = panel["cell"](line)
            values[at] = np.nan if value is None else value
            if not line["seeds"]:
                text[at] = "×"
            said[at] = _said(line)
    return go.Heatmap(
        z=values,
        x=[label(name.replace("_", " ")) for name in methods],
        y=[label(name) for name in truths],
        zmin=0,
        zmax=1,
        colorscale=panel["scale"],
        showscale=False,
        text=text,
        texttemplate="%{text}",
        textfont={"size": 10, "color": INK},
        customdata=said,
        hovertemplate=HOVER,
        hoverongaps=True,
        xgap=1,
        ygap=1,
    )


def _said(line: Line) -> str:
    """What the cell says when it is pointed at."""
    names = {"auc": "AUC", "ari": "ARI", "ami": "AMI", "weight": "weight"}
    names |= {"matrix_shift": "shift of the matrix", "partition_kept": "ARI with modules before"}
    parts = [
        f"{said} {line[name]:.2f}" for name, said in names.items() if line.get(name) is not None
    ]
    if line.get("modular") is not None:
        parts.append(f"“modular” in {line['modular']} of {line['seeds']}")
    if line["refused"]:
        parts.append(f"refused in {line['refused']}")
    return "<br>".join([*parts, f"{line['seconds']:.1f} s"])


def _mark_families(figure: go.Figure, methods: Mapping[str, str]) -> None:
    """Lines between the families of methods, and their names below the last panel."""
    families = list(methods.values())
    for family in dict.fromkeys(families):
        places = [i for i, own in enumerate(families) if own == family]
        middle = (places[0] + places[-1] + 1) / 2 / len(families)
        figure.add_annotation(
            x=middle, y=0, xref="paper", yref="paper", yshift=-18, text=family, showarrow=False,
            font={"size": 11, "color": FAINT},
        )  # fmt: skip
        if places[0]:
            edge = places[0] / len(families)
            figure.add_shape(
                type="line", x0=edge, x1=edge, y0=0, y1=1, xref="paper", yref="paper",
                line={"color": FAINT, "width": 1, "dash": "dot"},
            )  # fmt: skip
