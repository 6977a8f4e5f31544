"""Stages of training: where they meet, how sure that is, and what changed in each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.development import stage_changes
from somite.report.findings import stages_sentence
from somite.report.layout import styled
from somite.report.page import Block, Chart, Section, Table
from somite.report.palette import CATEGORIES, FAINT
from somite.report.reading import (
    NO_CURVE,
    boundaries,
    components_of,
    group_of,
    group_title,
    heads,
    stage_spans,
    tracked,
)
from somite.report.roles import score_name, scores_in
from somite.report.words import plural

if TYPE_CHECKING:
    from somite.study.results import Results

MOVERS = 3
LEAST_MOVE = 0.05
RLLC, LOSS, SCORE = "rLLC", "loss", "score"


def section(results: Results) -> Section:
    """Boundaries with intervals, changes per stage, and the selection of their number."""
    blocks: list[Block] = [boundary_table(results), change_table(results)]
    if "bic" in results.stages and results.stages.sizes.get("k", 0) > 1:
        blocks.append(_bic_chart(results))
    return Section("stages", "Stages of training", "Stages", stages_sentence(results), blocks)


def boundary_table(results: Results) -> Table:
    """One row per boundary."""
    rows = [
        [f"{i} → {i + 1}", f"{b.step:.0f}", f"{b.low:.0f} to {b.high:.0f}", f"{b.support:.0%}"]
        for i, b in enumerate(boundaries(results), start=1)
    ]
    kinds = plural(components_of(results), short=True)
    note = (
        f"Found in the rLLC curves of all {kinds} together: continuous, piecewise linear "
        "in log(step + 1), number chosen by BIC. Intervals and support: bootstrap over chains, "
        f"then blocks of draws, jointly for all {kinds}; “found again in”: share of them "
        "with a boundary near."
    )
    columns = ("between stages", "step", "95 % interval (steps)", "found again in")
    return Table("Boundaries", columns, rows or [["none", "–", "–", "–"]], note)


def change_table(results: Results) -> Table:
    """One row per stage: what moved between its ends."""
    changes = stage_changes(results.stages, curves(results))
    kind = changes["quantity"].str.split(sep=": ", dim="part").isel(part=0)
    rows = []
    for index, (first, last) in enumerate(stage_spans(results)):
        moved = changes.isel(stage=index)
        cells = [f"{index + 1}", f"{first:.0f} to {last:.0f}"]
        cells += [_each(moved.isel(curve=(kind == name).values)) for name in (RLLC, LOSS)]
        rows.append([*cells, _movers(moved.isel(curve=(kind == SCORE).values))])
    columns: tuple[str, ...] = (
        *("stage", "steps", "mean rLLC", "loss (nats/token)"),
        "behaviour that moved most",
    )
    if tracked(results):  # of which neither the unit of the loss nor behaviour is known
        columns, rows = (*columns[:3], "loss"), [row[:4] for row in rows]
    note = "Values at boundaries are interpolated on the log-step axis between checkpoints."
    return Table("What changed in each stage", columns, rows, note)


def curves(results: Results) -> dict[str, xr.DataArray]:
    """Everything whose change is told: mean rLLC of each group, losses, head scores."""
    groups, llc, loss = group_of(results), results.llc["llc"], results.training["loss"]
    found = {}
    for group in sorted(set(groups.values())):
        if (title := group_title(results, group)) == NO_CURVE:
            continue
        members = [head for head in heads(results) if groups[head] == group]
        found[f"{RLLC}: {title}"] = llc.sel(component=members).mean("component")
    for domain in loss["domain"].values:
        found[f"{LOSS}: {domain}"] = loss.sel(domain=domain, drop=True)
    for score in scores_in(results.behavior):
        found[f"{SCORE}: {score_name(score)}"] = results.behavior[score]
    return found


def _each(moved: xr.Dataset) -> str:
    """Before and after of every quantity, a line each."""
    return "\n".join(
        f"{_name(row)}: {float(row['before']):.2f} → {float(row['after']):.2f}"
        for row in _rows(moved)
    )


def _movers(moved: xr.Dataset) -> str:
    """The head scores that changed most."""
    ordered = sorted(_rows(moved), key=lambda row: -abs(float(row["change"])))
    listed = [
        f"{_name(row)} of {row['component'].item()}: "
        f"{float(row['before']):.2f} → {float(row['after']):.2f}"
        for row in ordered[:MOVERS]
        if abs(float(row["change"])) >= LEAST_MOVE
    ]
    return "\n".join(listed) or f"no score by more than {LEAST_MOVE:g}"


def _rows(moved: xr.Dataset) -> list[xr.Dataset]:
    """One data set per curve."""
    return [moved.isel(curve=at) for at in range(moved.sizes["curve"])]


def _name(row: xr.Dataset) -> str:
    """Name of a quantity without its kind."""
    return str(row["quantity"].item()).split(": ", 1)[1]


def _bic_chart(results: Results) -> Chart:
    """BIC against the number of boundaries."""
    bic = results.stages["bic"]
    counts, values = bic["k"].values.astype(int), bic.values.astype(float)
    above = values - np.nanmin(values)
    chosen = np.arange(len(counts)) == int(np.nanargmin(values))
    dots = go.Scatter(
        x=counts, y=above, mode="lines+markers+text", text=[f"{value:.3g}" for value in above],
        textposition="top center", cliponaxis=False, showlegend=False,
        line={"color": FAINT, "width": 1.2},
        marker={
            "color": np.where(chosen, CATEGORIES[0], FAINT).tolist(),
            "size": np.where(chosen, 13, 7).tolist(),
        },
        hovertemplate="<b>%{x} boundaries</b><br>BIC %{y:.4g} above the lowest<extra></extra>",
    )  # fmt: skip
    figure = styled(go.Figure(dots), 260, margin={"l": 60, "r": 16, "t": 24, "b": 48})
    figure.update_xaxes(title_text="number of boundaries", dtick=1)
    figure.update_yaxes(title_text="BIC above the lowest (no unit)", rangemode="tozero")
    note = "The lowest BIC is chosen (large dot); a difference above 10 is strong evidence."
    return Chart("bic", "How many boundaries the curves support", note, figure)
