"""Ablations: what the loss of each domain suffers when a head is taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.report.figures.choices import choose
from somite.report.figures.maps import maps_figure, span
from somite.report.layout import short_step
from somite.report.page import Chart, Section, not_measured
from somite.report.palette import DIVERGING

if TYPE_CHECKING:
    from somite.study.results import Results

METHODS = {
    "mean": "mean ablation",
    "resample": "resample ablation",
}
HOVER = "<b>head %{y}, %{x}</b><br>loss %{z:+.3f} nats/token<br>standard error %{customdata:.2g}"


def section(results: Results) -> Section:
    """Component × domain for each method, at each ablated checkpoint."""
    ablation = results.ablation
    if ablation is None or ablation.sizes["step"] == 0:
        return not_measured("ablation", "Ablations", "Ablations", "Ablation")
    steps = [int(step) for step in ablation["step"].values]
    reach = max(map(abs, span(ablation["loss_change"].values)))
    figures = [ablation_figure(ablation.sel(step=step), reach) for step in steps]
    note = (
        "Loss with the head's output replaced minus loss with it (nats/token): by its mean over "
        "the text (mean), or by its output on another row (resample). Orange: the "
        "head is needed; blue: without it the loss is lower. "
        "Numbers outside ± 0.005 are written into the cells."
    )
    if len(steps) > 1:
        note += " Buttons choose the checkpoint."
    chart = Chart(
        "ablation-map",
        "Rise of the loss when a head is taken out",
        note,
        choose(figures, [f"step {short_step(step)}" for step in steps]),
    )
    return Section("ablation", "Ablations", "Ablations", lead(ablation), (chart,))


def lead(ablation: xr.Dataset) -> str:
    """The head that is missed most at the last ablated checkpoint, by method."""
    parts = []
    for method in ablation["method"].values:
        change = ablation["loss_change"].isel(step=-1).sel({"method": method})
        at = {
            name: int(index) for name, index in change.argmax(dim=["domain", "component"]).items()
        }
        cell = change.isel(at)
        error = ablation["standard_error"].isel(step=-1).sel({"method": method}).isel(at)
        name = METHODS.get(str(method), str(method))
        parts.append(
            f"{name}: head {cell['component'].item()} on {cell['domain'].item()} "
            f"({float(cell):+.3g} ± {float(error):.2g} nats/token)"
        )
    step = int(ablation["step"][-1])
    return f"Missed most at step {step}, by {'; by '.join(parts)}."


def ablation_figure(at_step: xr.Dataset, reach: float) -> go.Figure:
    """A panel per method of one checkpoint."""
    table = at_step.transpose("method", "component", "domain")
    names = [METHODS.get(str(method), str(method)) for method in table["method"].values]
    change = dict(zip(names, table["loss_change"].values.astype(float), strict=True))
    errors = dict(zip(names, table["standard_error"].values.astype(float), strict=True))
    texts = {
        name: np.where(np.abs(values) < 0.005, "", np.char.mod("%.2f", values))
        for name, values in change.items()
    }
    bar = {"title": {"text": "nats/token"}}
    scale = {"colorscale": DIVERGING, "cmin": -reach, "cmax": reach, "colorbar": bar}
    heads = [str(name) for name in table["component"].values]
    domains = [str(name) for name in table["domain"].values]
    axes = ("domain of the text", "head")
    return maps_figure(change, heads, domains, scale, axes, HOVER, texts, errors)
