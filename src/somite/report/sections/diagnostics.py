"""Whether the chains can be trusted: verdicts, R-hat, ESS, traces, every chain that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.data.config import MIXTURE
from somite.estimators.verdict import CARE, GOOD, REFUSE
from somite.report.figures.maps import maps_figure
from somite.report.figures.traces import Cell, traces_figure
from somite.report.figures.verdicts import PANELS, grade_index, verdict_figure
from somite.report.findings import GOOD_R_HAT
from somite.report.layout import short_step
from somite.report.page import Block, Chart, Section, Table
from somite.report.palette import MAP, MAP_OF_COUNTS
from somite.report.reading import components_of, failed_chains, heads, verdict_counts
from somite.report.roles import roles
from somite.report.words import singular
from somite.sampling.status import CONVERGED

if TYPE_CHECKING:
    from somite.study.results import Results

MOST_ROWS, MOST_DOUBTFUL = 24, 10
WORST_R_HAT = 1.10
TITLES = {
    "chains": "Cells whose chains are not good",
    "center": "Cells whose center is not good",
}
TRACES = {"": "on minibatches", "_probe": "on the probe"}


def section(results: Results) -> Section:
    """Maps over step × component, traces of three cells, and tables of what went wrong."""
    kind = singular(components_of(results))
    verdicts = Chart(
        "verdicts",
        f"Verdict on every cell (∗: {CARE}, ×: {REFUSE})",
        "Left: the chains, that is all that better sampling could mend. Right: the center, that is "
        "whether the checkpoint is a minimum as far as the estimate goes. The label of a cell "
        "gives the reason and what to change.",
        verdict_figure(results.llc, kind),
    )
    r_hat = Chart(
        "r-hat",
        f"R-hat of every cell (crosses: above {GOOD_R_HAT})",
        "Spread between chains against spread within them; 1 is perfect. Left: loss differences on "
        "minibatches; right: on a small fixed probe, without minibatch noise.",
        r_hat_figure(results.llc, kind),
    )
    ess = Chart(
        "ess",
        "Effective sample size of every cell",
        "Number of independent draws that would carry as much information, all chains together.",
        ess_figure(results.llc, kind),
    )
    tables = [doubtful_table(results), doubtful_table(results, "center"), failed_table(results)]
    blocks: list[Block] = [verdicts, *tables, r_hat, ess]
    if chosen := chosen_cells(results):
        blocks.append(_traces_chart(results, chosen))
    return Section("diagnostics", "Diagnostics of the chains", "Diagnostics", lead(results), blocks)


def _traces_chart(results: Results, chosen: list[Cell]) -> Chart:
    """Traces of the cells that were chosen."""
    return Chart(
        "traces",
        "Traces of the worst, the middle and the last formed cell",
        "Colours are chains. Good chains look like the same noise around the same level.",
        traces_figure(results, chosen),
    )


def lead(results: Results) -> str:
    """Counts of verdicts, and number of failed chains."""
    llc = results.llc
    failed = failed_chains(results)
    plural = "" if failed == 1 else "s"
    chains = "No chain failed" if failed == 0 else f"{failed} chain{plural} failed (listed below)"
    return (
        f"Chains: {verdict_counts(llc['verdict'])}. Centers: "
        f"{verdict_counts(llc['center_verdict'])}. {chains}; failed chains enter no mean."
    )


def _maps(llc: xr.Dataset, name: str) -> dict[str, np.ndarray]:
    """Component × step arrays of a diagnostic, on minibatches and on the probe."""
    present = {end: title for end, title in TRACES.items() if f"{name}{end}" in llc}
    return {
        title: llc[f"{name}{end}"].transpose("component", "step").values.astype(float)
        for end, title in present.items()
    }


def _axes(llc: xr.Dataset) -> tuple[list[str], list[str]]:
    """Names of components and steps."""
    names = [str(name) for name in llc["component"].values]
    return names, [short_step(int(step)) for step in llc["step"].values]


def r_hat_figure(llc: xr.Dataset, one: str) -> go.Figure:
    """Maps of R-hat, with crosses on cells above the bound."""
    panels = _maps(llc, "r_hat")
    bar = {
        "title": {"text": "R-hat"},
        "tickvals": [1, 1.05, 1.1],
        "ticktext": ["1", "1.05", "≥ 1.1"],
    }
    scale = {"colorscale": MAP, "cmin": 1.0, "cmax": WORST_R_HAT, "colorbar": bar}
    crosses = {title: np.where(values > GOOD_R_HAT, "×", "") for title, values in panels.items()}
    hover = f"<b>{one} %{{y}}, step %{{x}}</b><br>R-hat %{{z:.3f}}"
    rows, columns = _axes(llc)
    axes = ("checkpoint (training step)", one)
    return maps_figure(panels, rows, columns, scale, axes, hover, crosses)


def ess_figure(llc: xr.Dataset, one: str) -> go.Figure:
    """Maps of the effective sample size; each panel is relative to the same scale."""
    panels = _maps(llc, "ess")
    top = max(float(np.nanmax(values, initial=1.0)) for values in panels.values())
    bar = {"title": {"text": "ESS (draws)"}}
    scale = {"colorscale": MAP_OF_COUNTS, "cmin": 0, "cmax": top, "colorbar": bar}
    hover = f"<b>{one} %{{y}}, step %{{x}}</b><br>ESS %{{z:.0f}} draws"
    rows, columns = _axes(llc)
    return maps_figure(panels, rows, columns, scale, ("checkpoint (training step)", one), hover)


def chosen_cells(results: Results) -> list[Cell]:
    """The cell with the highest known R-hat, the middle one, and the head that formed last."""
    name = "r_hat_probe" if "r_hat_probe" in results.llc else "r_hat"
    values = results.llc[name].transpose("step", "component").values.astype(float)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values.ravel()[known], kind="stable")]
    picked = {"worst R-hat": order[-1:], "middle R-hat": order[len(order) // 2 :][:1]}
    steps, names = results.llc["step"].values, heads(results)
    cells = []
    for why, flat in ((why, flat) for why, places in picked.items() for flat in places):
        row, column = divmod(int(flat), len(names))
        cells.append(Cell(int(steps[row]), names[column], f"{why} {values[row, column]:.3f}"))
    if found := [role for role in roles(results.behavior).values() if role.head in names]:
        last = max(found, key=lambda role: np.nan_to_num(role.formed, nan=-1.0))
        cells.append(Cell(int(steps[-1]), last.head, f"{last.name} head"))
    return cells


def doubtful_table(results: Results, what: str = "chains") -> Table:
    """Cells whose verdict is not good, the worst grade first, then the highest R-hat of chains."""
    llc = results.llc.transpose("step", "component")
    grades, reasons = (llc[name].values.astype(str) for name in PANELS[what])
    r_hat = [np.nan_to_num(llc[f"r_hat{end}"].values, nan=np.inf) for end in TRACES]
    worst = np.maximum(*r_hat) if what == "chains" else np.zeros(grades.shape)
    places = np.argwhere(grades != GOOD)
    at = tuple(places.T)
    places = places[np.lexsort((-worst[at], -grade_index(grades[at])))]
    measured, names = llc["step"].values, heads(results)
    rows = [
        [names[j], f"{measured[i]}", grades[i, j], reasons[i, j]] for i, j in places[:MOST_DOUBTFUL]
    ]
    more = len(places) > MOST_DOUBTFUL
    note = f"The worst {MOST_DOUBTFUL} of {len(places)}; the map above shows all." if more else ""
    shown = rows or [["none", "–", GOOD, "all cells are good"]]
    columns = (
        singular(components_of(results)),
        "checkpoint",
        "verdict",
        "what is wrong, and what to change",
    )
    return Table(TITLES[what], columns, shown, note)


def failed_table(results: Results) -> Table:
    """Each chain that failed: where, when, and why."""
    rows = []
    for step, data in failed_places(results):
        rows += failed_rows(results.draws(step, data), step, data)
        if len(rows) > MOST_ROWS:
            break
    total = failed_chains(results)
    note = f"The first {MOST_ROWS} of {total} are listed." if total > MOST_ROWS else ""
    shown = rows[:MOST_ROWS] or [["none failed", "–", "–", "–", "–", "–"]]
    failed_at = "failed at step of the chain"
    columns = (
        singular(components_of(results)),
        "checkpoint",
        "domain",
        "chain",
        failed_at,
        "status",
    )
    return Table("Failed chains", columns, shown, note)


def failed_places(results: Results) -> list[tuple[int, str]]:
    """Checkpoint and data of every stored sampling with a failed chain, the mixture first."""
    tables = [results.llc["chains_failed"].expand_dims(domain=[MIXTURE])]
    if results.refined is not None:
        tables.append(results.refined["chains_failed"])
    places = []
    for failed in ((table > 0).any("component").transpose("step", "domain") for table in tables):
        steps, domains = failed["step"].values, failed["domain"].values
        places += [(int(steps[i]), str(domains[j])) for i, j in np.argwhere(failed.values)]
    return places


def failed_rows(draws: xr.Dataset, step: int, data: str) -> list[list[str]]:
    """Rows for the failed chains of one checkpoint on one data set."""
    status = draws["status"].transpose("component", "chain")
    failed_at = draws["failed_at"].transpose("component", "chain").values.astype(int)
    return [
        [
            str(status["component"].values[i]),
            f"{step}",
            "all" if data == MIXTURE else data,
            str(status["chain"].values[j]),
            str(failed_at[i, j]) if failed_at[i, j] >= 0 else "the end",
            str(status.values[i, j]),
        ]
        for i, j in np.argwhere(status.values.astype(str) != CONVERGED)
    ]
