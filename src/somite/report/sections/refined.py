"""Data-refined rLLC: how much of each component's complexity each domain sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from somite.estimators.verdict import CARE, REFUSE
from somite.modularity import refined_profiles
from somite.report.figures.choices import choose
from somite.report.figures.maps import maps_figure, span
from somite.report.figures.verdicts import MARKS, hover_text
from somite.report.layout import short_step
from somite.report.page import Block, Chart, Section, Table, not_measured
from somite.report.palette import DIVERGING, WRITTEN_MAP
from somite.report.reading import components_of
from somite.report.words import singular
from somite.sampling.status import CONVERGED

if TYPE_CHECKING:
    from somite.study.results import Results

TITLE = "Data-refined profiles"
VALUES, RELATIVE = "rLLC on the domain", "relative to its mean over domains"
LEAST_ERRORS = 3
SCORES = ("entropy_specialization", "selectivity", "participation_ratio")
SAID = ("mcse", "verdict", "reason")
HOVER = "<b>{} %{{y}} on %{{x}}</b><br>%{{z:.3g}}<br>%{{customdata}}"


def section(results: Results) -> Section:
    """Component × domain, at each refined checkpoint."""
    refined = results.refined
    if refined is None or refined.sizes["step"] == 0:
        return not_measured("refined", TITLE, "Data-refined", "Data-refined rLLC")
    steps, kind = [int(step) for step in refined["step"].values], singular(components_of(results))
    figures = [profile_figure(refined.sel(step=step), kind, relative=False) for step in steps]
    ratios = [profile_figure(refined.sel(step=step), kind, relative=True) for step in steps]
    names = [f"step {short_step(step)}" for step in steps]
    choice = " Buttons choose the checkpoint." if len(steps) > 1 else ""
    values = Chart(
        "profiles",
        f"rLLC of each {kind} on each domain",
        f"Values ± MCSE; blue: the domain sees much structure in the {kind}. "
        f"∗: {CARE}, ×: {REFUSE}; the label gives the reason.{choice}",
        choose(figures, names),
    )
    shares = Chart(
        "relative-profiles",
        f"Which domain each {kind} serves more than others",
        f"The same numbers divided by the {kind}'s mean over domains: orange above, blue below its "
        f"own mean. ± MCSE.{choice}",
        choose(ratios, names),
    )
    blocks: list[Block] = [values, shares]
    if refined.sizes["domain"] > 1:
        blocks.append(scores_table(results, refined))
    return Section("refined", TITLE, "Data-refined", lead(refined, kind), blocks)


def lead(refined: xr.Dataset, one: str) -> str:
    """The component whose profile is furthest from even at the last refined checkpoint.

    Only components whose mean over domains stands clear of its own error can be told apart.
    """
    last = refined["llc"].isel(step=-1)
    if not np.isfinite(last.values).any():
        return "No finite value was measured."
    measured = well_measured(refined.isel(step=-1))
    if not measured.any():
        return (
            f"At step {int(last['step'])} no {one} stands out: none has a mean rLLC over domains "
            f"above {LEAST_ERRORS} times its MCSE."
        )
    ratio = (last / last.mean("domain")).sel(component=measured.values)
    at = ratio.argmax(dim=["domain", "component"])
    cell = {name: int(index) for name, index in at.items()}
    domain, name = (
        str(ratio["domain"][cell["domain"]].values),
        str(ratio["component"][cell["component"]].values),
    )
    return (
        f"At step {int(last['step'])}, {one} {name} is the most specialised: its rLLC on "
        f"{domain} is {float(ratio.isel(cell)):.1f} times its mean over domains."
    )


def scores_table(results: Results, refined: xr.Dataset) -> Table:
    """How specialised each component is at the last refined checkpoint, with its error."""
    series = refined_series(results, refined)
    llc = series.mean(("chain", "draw"))
    fit = ((abs(llc) < np.inf).all("domain") & (llc > 0).any("domain")).values
    rows = []
    if fit.any():
        found = refined_profiles(series.sel(component=fit), seed=0)
        for name in (str(name) for name in found.component.values):
            row = found.sel(component=name)
            most = int(row.profile.values.argmax())
            share = f"{float(row.profile[most]):.0%} ± {float(row.profile_sd[most]):.0%}"
            scores = [f"{float(row[n]):.2f} ± {float(row[f'{n}_sd']):.2f}" for n in SCORES]
            above = f"{row.domain.values[most]} ({share})"
            rows.append([name, above, *scores, f"{float(row.negative_mass):.0%}"])
    left_out = [str(name) for name in series.component.values[~fit]]
    kind = singular(components_of(results))
    note = (
        f"Of the share of each domain in the rLLC of a {kind}, values below zero left out. "
        "Specialisation: 1 − entropy / log(domains). Selectivity: (largest − mean of the others) / "
        "their sum. Both are 0 where all domains count alike and 1 where one has all. Domains that "
        "take part: 1 / Σ share². ±: standard error, chains and draws resampled together for all "
        "domains."
    )
    if left_out:
        note += f" Left out, without a positive value: {', '.join(left_out)}."
    columns = (
        *(kind, "most on", "specialisation", "selectivity", "domains that take part"),
        "negative mass",
    )
    return Table(f"How specialised, at step {int(refined.step[-1])}", columns, rows, note)


def refined_series(results: Results, refined: xr.Dataset) -> xr.DataArray:
    """n_beta times the loss difference of every draw on each domain, at the last checkpoint.

    Failed chains are NaN throughout; dims (domain, component, chain, draw).
    """
    parts = [results.draws(int(refined.step[-1]), str(name)) for name in refined.domain.values]
    values = [part.attrs["n_beta"] * part.loss.where(part.status == CONVERGED) for part in parts]
    series: xr.DataArray = xr.concat(values, refined.domain.drop_attrs(), combine_attrs="drop")
    return series


def well_measured(at_step: xr.Dataset) -> xr.DataArray:
    """Components with finite values on all domains and a mean above 3 of its MCSE (component,).

    The MCSE of the mean over n domains is √(Σ mcse²) / n; chains of different domains are
    independent.
    """
    finite = (abs(at_step["llc"]) < np.inf).all("domain")
    error = np.sqrt((at_step["mcse"] ** 2).sum("domain", skipna=False)) / at_step.sizes["domain"]
    clear: xr.DataArray = finite & (at_step["llc"].mean("domain") > LEAST_ERRORS * error)
    return clear


def profile_figure(at_step: xr.Dataset, one: str, relative: bool) -> go.Figure:
    """Heat map of one checkpoint."""
    table = at_step.transpose("component", "domain", ...)
    llc, mcse = table["llc"].values.astype(float), table["mcse"].values.astype(float)
    said = [said_of(*row) for row in zip(*(table[n].values.flat for n in SAID), strict=True)]
    details = np.array(said, dtype=object).reshape(llc.shape)
    unit = np.nanmean(llc, axis=1, keepdims=True) if relative else 1.0
    shown, error = llc / unit, np.abs(mcse / unit)
    text = np.char.add(np.char.mod("%.2f", shown), np.char.mod(" ± %.2f", error))
    marks = np.vectorize(MARKS.get)(table["verdict"].values.astype(str))
    text = np.char.add(text, np.where(marks == "", "", np.char.add(" ", marks)))
    names = [str(name) for name in table["component"].values]
    domains = [str(name) for name in table["domain"].values]
    title = RELATIVE if relative else VALUES
    figure = maps_figure(
        {title: shown}, names, domains, scale(shown, relative), ("domain of the text", one),
        HOVER.format(one), {title: text}, {title: details},
    )  # fmt: skip
    figure.layout.annotations = ()
    figure.update_layout(margin_t=14, height=figure.layout.height - 26)
    return figure


def said_of(mcse: float, grade: str, reason: str) -> str:
    """Error and verdict of a cell, for its label."""
    return f"MCSE {mcse:.2g}<br>{hover_text(grade, reason)}"


def scale(values: np.ndarray, relative: bool) -> dict[str, object]:
    """Colours: around 1 for ratios, from low to high for values."""
    low, high = span(values)
    if not relative:
        return {
            "colorscale": WRITTEN_MAP,
            "cmin": low,
            "cmax": high,
            "colorbar": {"title": {"text": "rLLC"}},
        }
    reach = max(abs(high - 1), abs(1 - low), 0.05)
    bar = {"title": {"text": "ratio"}}
    return {"colorscale": DIVERGING, "cmin": 1 - reach, "cmax": 1 + reach, "colorbar": bar}
