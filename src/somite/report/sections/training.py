"""Losses over training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from somite.report.figures.lines import line
from somite.report.figures.shading import shade_stages
from somite.report.layout import step_axis, styled
from somite.report.page import Chart, Section
from somite.report.palette import FAINT, category_color, category_dash
from somite.report.roles import score_name

if TYPE_CHECKING:
    from somite.study.results import Results

HOVER = "%{y:.3f} nats/token"


def section(results: Results) -> Section:
    """Loss of each domain's validation text over training."""
    loss = results.training["loss"]
    first, last = loss.isel(step=0), loss.isel(step=-1)
    parts = [
        f"{name} {float(first.sel(domain=name)):.2f} → {float(last.sel(domain=name)):.2f}"
        for name in loss["domain"].values
    ]
    chart = Chart(
        "losses",
        "Validation loss per domain",
        "Mean loss per token on held-out text. Grey, thin: loss on the training batches. "
        "“repeats” holds random strings that repeat: only copying can lower its loss.",
        losses_figure(results),
    )
    lead = f"From the first to the last checkpoint, in nats per token: {', '.join(parts)}."
    return Section("training", "Training losses", "Losses", lead, (chart,))


def losses_figure(results: Results) -> go.Figure:
    """One line per domain on the log-step axis, and the training loss."""
    training = results.training
    steps = training["step"].values.tolist()
    figure = go.Figure()
    if "train_loss" in training:
        looks = {"color": FAINT, "width": 1}
        batches = line(steps, training["train_loss"], "training batches", FAINT, HOVER, line=looks)
        figure.add_trace(batches.update(mode="lines"))
    for index, domain in enumerate(training["domain"].values):
        values = training["loss"].sel(domain=domain)
        looks = {"dash": category_dash(index)}
        trace = line(
            steps, values, score_name(str(domain)), category_color(index), HOVER, line=looks
        )
        figure.add_trace(trace)
    shade_stages(figure, results, 1, named=True)
    styled(figure, 380)
    figure.update_xaxes(**step_axis(steps))
    figure.update_yaxes(title_text="loss (nats/token)")
    return figure
