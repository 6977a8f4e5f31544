"""The table of `somite verify`."""

import math
from typing import Annotated

import typer
import xarray as xr
from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console()


def verify_command(
    short: Annotated[
        bool, typer.Option("--short", help="The short set: every kernel, in half a minute.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A case; may be given repeatedly.")
    ] = None,
) -> None:
    """Sample targets with known answers and compare; exit code 1 if one fails.

    Raises:
        Exit: With code 1 if an estimate does not agree with its truth.
    """
    from somite.cli.progress import TerminalWatch
    from somite.verify import select_cases, verify

    chosen = select_cases(short, only or ())
    with TerminalWatch(console) as watch:
        watch.phase("verifying", len(chosen))
        table = verify(chosen, lambda done, _, name: watch.advance(done, name))
    console.print(case_table(table))
    passed, cases = int(table.passed.sum()), table.sizes["case"]
    seconds = float(table.seconds.sum())
    console.print(f"{passed} of {cases} cases agree with the truth ({seconds:.0f} s).")
    if passed < cases:
        raise typer.Exit(1)


def case_table(table: xr.Dataset) -> Table:
    """One line for each case.

    Args:
        table: From `somite.verify.verify`.

    Returns:
        Truth, estimate, its Monte Carlo error (MCSE), the distance in errors, a nearby value
        that the estimate must reject, and the verdict.
    """
    shown = Table(box=None, padding=(0, 1, 0, 0))
    for column in ("case", "kernel", "truth", "estimate", "MCSE", "off by", "not"):
        shown.add_column(column, no_wrap=True)
    shown.add_column("verdict")
    for name in table.case.values:
        row = table.sel(case=name)
        rejected = row.rejected.item()
        shown.add_row(
            str(name),
            row.kernel.item(),
            *(f"{row[number].item():.4g}" for number in ("truth", "estimate")),
            f"{row.error.item():.2g}",
            f"{row.z.item():+.2f}",
            "" if math.isnan(rejected) else f"{rejected:.4g}",
            Text(str(row.verdict.item()), style="green" if bool(row.passed) else "bold red"),
        )
    return shown
