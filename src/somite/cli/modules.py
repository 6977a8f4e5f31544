"""`somite modules`: which components of a run belong together, and since when that is measured."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import xarray as xr

console = Console()
STRONGEST = 5


def modules_command(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    step: Annotated[
        list[int] | None, typer.Option(help="Checkpoint; several may be given. Default: the last.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Jobs at once, of one thread each. Default: one per core.")
    ] = None,
) -> None:
    """Sample the interactions of all pairs of components, find modules, and add them to the report.

    The sampler settings are those of the run.
    """
    from somite.cli.progress import TerminalWatch
    from somite.cli.trained import trained_run
    from somite.core.checks import at_least
    from somite.report import build_report
    from somite.study import load_results
    from somite.study.folder import read_manifest, writable
    from somite.study.modules import study_modules

    if workers is not None:
        at_least("workers", workers, 1)
    read_manifest(run)  # an unfinished run has no report to add to
    context = trained_run(run)
    steps = sorted(set(step or [context.series.steps()[-1]]))
    with TerminalWatch(console) as watch:
        study_modules(context, steps, workers, watch)
        results = load_results(run)
        with writable(run):
            report = build_report(results, run / "report.html")
    for found in results.modules.values():
        show_modules(found)
    console.print(f"The report is at {report}", markup=False, highlight=False, soft_wrap=True)


def show_modules(found: "xr.Dataset") -> None:
    """Print the modules of one checkpoint, the strongest interactions, what other methods say."""
    from somite.report.sections.modules import chance, members, strongest

    title = f"Modules at step {found.attrs['step']}: {chance(found)}"
    table = Table("module", "components", "stability", title=title, title_justify="left")
    for number, (names, stability) in enumerate(members(found), start=1):
        table.add_row(str(number), " ".join(names), f"{stability:.2f}")
    console.print(table)
    pairs = Table("pair", "I ± MCSE", "q", title="Strongest interactions", title_justify="left")
    for a, b, value, error, q in strongest(found)[:STRONGEST]:
        pairs.add_row(f"{a} × {b}", f"{value:.2f} ± {error:.2f}", f"{q:.2g}")
    console.print(pairs)
    others = Table("method", "ARI with ours", "p", title="Other methods", title_justify="left")
    for name in found.baseline.values:
        one = found.sel(baseline=name)
        others.add_row(str(name), f"{float(one.ari):.2f}", f"{float(one.ari_p_value):.2g}")
    console.print(others)
