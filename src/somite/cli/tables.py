"""Tables of a finished run for the terminal."""

import re
from collections import Counter

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from somite.behavior import SCORES
from somite.estimators.verdict import CARE, GOOD, GRADES, REFUSE
from somite.report import page
from somite.report.figures.verdicts import MARKS, PANELS
from somite.report.reading import components_of
from somite.report.words import singular
from somite.study import Results


def show_results(results: Results, console: Console) -> None:
    """Print estimates at the last checkpoint, verdicts, stages and the agreement of groups.

    Args:
        results: A finished study.
        console: Where to print.
    """
    for table in (_components(results), _verdicts(results), _stages(results), _agreement(results)):
        console.print(table)
        console.print()
    if left_out := results.groups.attrs.get("refined_left_out", ""):
        reason = f"Data-refined profiles could not be grouped and are left out: {left_out}"
        console.print(Text(reason))  # Text: brackets in it are no markup


def printed(table: page.Table) -> Table:
    """A table of the report for the terminal."""
    lines = Table(*table.columns, title=table.title, title_justify="left")
    for row in table.rows:
        lines.add_row(*row)
    return lines


def _components(results: Results) -> Table:
    last = int(results.llc.step.values[-1])
    scores = [score for score in SCORES if score in results.behavior]
    short = [score.removesuffix("_token")[:9] for score in scores]
    title = f"Components at step {last}; {CARE}: ∗, {REFUSE}: ×"
    table = Table(
        singular(components_of(results)),
        "rLLC",
        "MCSE",
        "R-hat",
        "ESS",
        "center",
        "group",
        *short,
        title=title,
        box=None,
    )
    for name in results.llc.component.values:
        row = results.llc.sel(step=last, component=name)
        known = name in results.behavior.component.values
        behavior = results.behavior.sel(step=last, component=name) if known else None
        table.add_row(
            f"{name}{MARKS[row.verdict.item()]}",
            f"{float(row.llc):.3f}",
            f"{float(row.mcse):.3f}",
            f"{max(float(row.r_hat), float(row.r_hat_probe)):.3f}",
            f"{float(row.ess):.0f}",
            MARKS[row.center_verdict.item()] or "✓",
            _group(results, str(name)),
            *("–" if behavior is None else f"{float(behavior[score]):.2f}" for score in scores),
        )
    return table


def _verdicts(results: Results) -> Table:
    """How many cells of all checkpoints have which verdict, and the commonest reason."""
    title = "Verdicts on all cells (checkpoint, component)"
    table = Table("", *GRADES, "commonest reason", title=title, box=None)
    for what, (name, reason) in PANELS.items():
        grades = results.llc[name].values.astype(str)
        counts = [f"{int((grades == grade).sum())}" for grade in GRADES]
        reasons = results.llc[reason].values[grades != GOOD].astype(str)
        kinds = Counter(_kind(text) for text in reasons)
        commonest = kinds.most_common(1)[0][0] if kinds else "–"
        table.add_row(what, *counts, Text(commonest))
    return table


def _kind(reason: str) -> str:
    """The first thing that a reason names, without its numbers."""
    first = re.split(r" \(|; |: ", reason)[0]
    return re.sub(r"\d[\d.]*", "…", first)


def _group(results: Results, name: str) -> str:
    """Number of the component's group as in the report, from 1."""
    labels = results.groups.label.sel(view="curves_ward")
    return str(int(labels.sel(component=name)) + 1) if name in labels.component else "none"


def _stages(results: Results) -> Table:
    table = Table("boundary at step", "95 % interval", "support", title="Stages", box=None)
    for i in results.stages.boundary.values:
        row = results.stages.sel(boundary=i)
        interval = f"{float(row.low):.0f} to {float(row.high):.0f}"
        table.add_row(f"{float(row.position):.0f}", interval, f"{float(row.support):.2f}")
    return table


def _agreement(results: Results) -> Table:
    views = [str(view) for view in results.groups.view.values]
    title = "Agreement of groups (ARI, permutation p within layers)"
    table = Table("view", *views, title=title, box=None)
    for view in views:
        cells = results.groups.sel(view=view)
        table.add_row(view, *(_pair(cells.sel(view_other=other)) for other in views))
    return table


def _pair(cell: object) -> str:
    ari, p = float(cell.ari), float(cell.p_value)  # type: ignore[attr-defined]
    return f"{ari:.2f}" if np.isnan(p) else f"{ari:.2f} (p = {p:.3g})"
