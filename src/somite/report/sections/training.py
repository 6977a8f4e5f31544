"""Losses over training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import plotly.graph_objects as go

from somite.report.figures.lines import line
from somite.report.figures.shading import shade_stages
from somite.report.layout import step_axis, styled
from somite.report.page import Chart, Section
from somite.report.palette import FAINT, category_color, category_dash
from somite.report.reading import tracked
from somite.report.roles import score_name

if TYPE_CHECKING:
    from somite.study.results import Results

HOVER = "%{y:.3f}"
OF_TEXT = (
    "Mean loss per token on held-out text. Grey, thin: loss on the training batches. "
    "“repeats” holds random strings that repeat: only copying can lower its loss."
)


def section(results: Results) -> Section:
    """Loss of each domain's validation text over training; of a tracked series that of its data."""
    loss, of_text = results.training["loss"], not tracked(results)
    first, last = loss.isel(step=0), loss.isel(step=-1)
    parts = [
        f"{name} {float(first.sel(domain=name)):.2f} → {float(last.sel(domain=name)):.2f}"
        for name in loss["domain"].values
    ]
    chart = Chart(
        "losses",
        "Validation loss per domain" if of_text else "Loss on the data",
        OF_TEXT if of_text else "Mean loss of the data that were sampled, at the checkpoints.",
        losses_figure(results),
    )
    unit = ", in nats per token" if of_text else ""
    lead = f"From the first to the last checkpoint{unit}: {', '.join(parts)}."
    return Section("training", "Training losses", "Losses", lead, (chart,))


def losses_figure(results: Results) -> go.Figure:
    """One line per domain on the log-step axis, and the training loss."""
    training, unit = results.training, "" if tracked(results) else " nats/token"
    hover = HOVER + unit
    steps = training["step"].values.tolist()
    figure = go.Figure()
    if "train_loss" in training:
        looks = {"color": FAINT, "width": 1}
        batches = line(steps, training["train_loss"], "training batches", FAINT, hover, line=looks)
        figure.add_trace(batches.update(mode="lines"))
    for index, domain in enumerate(training["domain"].values):
        values = training["loss"].sel(domain=domain)
        looks = {"dash": category_dash(index)}
        trace = line(
            steps, values, score_name(str(domain)), category_color(index), hover, line=looks
        )
        figure.add_trace(trace)
    shade_stages(figure, results, 1, named=True)
    styled(figure, 380)
    figure.update_xaxes(**step_axis(steps))
    figure.update_yaxes(title_text=f"loss ({unit.strip()})" if unit else "loss")
    return figure
