"""Tables of a finished run for the terminal."""

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from somite.behavior import SCORES
from somite.sampling.status import CONVERGED
from somite.study import Results


def show_results(results: Results, console: Console) -> None:
    """Print the estimates at the last checkpoint, the stages and the agreement of groups.

    Args:
        results: A finished study.
        console: Where to print.
    """
    for table in (_heads(results), _stages(results), _agreement(results)):
        console.print(table)
        console.print()
    if left_out := results.groups.attrs.get("refined_left_out", ""):
        reason = f"Data-refined profiles could not be grouped and are left out: {left_out}"
        console.print(Text(reason))  # Text: brackets in it are no markup


def _heads(results: Results) -> Table:
    last = int(results.llc.step.values[-1])
    short = [score.removesuffix("_token")[:9] for score in SCORES]
    title = f"Components at step {last}; *: did not converge"
    table = Table("head", "rLLC", "MCSE", "R-hat", "ESS", "group", *short, title=title, box=None)
    for name in results.llc.component.values:
        row = results.llc.sel(step=last, component=name)
        behavior = results.behavior.sel(step=last, component=name)
        table.add_row(
            str(name) if row.status.item() == CONVERGED else f"{name}*",
            f"{float(row.llc):.3f}",
            f"{float(row.mcse):.3f}",
            f"{max(float(row.r_hat), float(row.r_hat_probe)):.3f}",
            f"{float(row.ess):.0f}",
            _group(results, str(name)),
            *(f"{float(behavior[score]):.2f}" for score in SCORES),
        )
    return table


def _group(results: Results, name: str) -> str:
    """Number of the head's group as in the report, from 1."""
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
