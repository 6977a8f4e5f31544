"""Verdicts of all cells as a map: the grade as colour and mark, the reason on hover."""

import textwrap

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.estimators.verdict import CARE, GOOD, GRADES, REFUSE
from somite.report.figures.maps import maps_figure
from somite.report.layout import label, short_step
from somite.report.palette import VERDICTS
from somite.report.reading import singular

PANELS = {"chains": ("verdict", "reason"), "center": ("center_verdict", "center_reason")}
MARKS = {GOOD: "", CARE: "∗", REFUSE: "×"}
WIDTH = 60


def verdict_figure(llc: xr.Dataset) -> go.Figure:
    """Head × checkpoint; left the chains, right the center.

    Args:
        llc: Estimates with their verdicts (step, component).

    Returns:
        The figure.
    """
    table = llc.transpose("component", "step")
    grades = {title: table[name].values.astype(str) for title, (name, _) in PANELS.items()}
    values = {title: grade_index(found) for title, found in grades.items()}
    marks = {title: np.vectorize(MARKS.get)(found) for title, found in grades.items()}
    words = {
        title: np.vectorize(hover_text, otypes=[object])(found, table[PANELS[title][1]].values)
        for title, found in grades.items()
    }
    names = [str(name) for name in table["component"].values]
    steps = [short_step(int(step)) for step in table["step"].values]
    noun = singular(names)
    hover = f"<b>{noun} %{{y}}, step %{{x}}</b><br>%{{customdata}}"
    axes = ("checkpoint (training step)", noun)
    return maps_figure(values, names, steps, scale(), axes, hover, marks, words)


def grade_index(grades: np.ndarray) -> np.ndarray:
    """Place of each grade in `GRADES`, the best first.

    Example:
        >>> grade_index(np.array(["good", "don't use"])).tolist()
        [0, 2]
    """
    return np.array([GRADES.index(grade) for grade in grades.flat]).reshape(grades.shape)


def hover_text(grade: str, reason: str) -> str:
    """Grade and reason in lines that fit on a label.

    Example:
        >>> hover_text("good", "")
        'good'
    """
    return "<br>".join([grade, *map(label, textwrap.wrap(reason, WIDTH))])


def scale() -> dict[str, object]:
    """One colour per grade."""
    edges = np.linspace(0, 1, len(GRADES) + 1)
    steps = [(float(edge), color) for i, color in enumerate(VERDICTS) for edge in edges[i : i + 2]]
    bar = {"tickvals": list(range(len(GRADES))), "ticktext": list(GRADES)}
    return {"colorscale": steps, "cmin": -0.5, "cmax": len(GRADES) - 0.5, "colorbar": bar}
