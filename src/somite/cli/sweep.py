"""`somite sweep`, `somite sweep-report`: many models that differ in chosen settings."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

console = Console()
SHOWN = 12


def sweep_command(
    design: Annotated[str, typer.Argument(help="Name of a shipped sweep, or a .toml file.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the sweep. Default: runs/SWEEP.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Models at once, of one thread each. Default: as many as there is room for."
        ),
    ] = None,
    max_cells: Annotated[
        int | None, typer.Option(help="Refuse a design with more models than this.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Where models are made: local or ray.")] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster: HOST:PORT or auto. Default: one on this machine."),
    ] = None,
) -> None:
    """Train and measure the models of a design; stop it at any moment, the same command goes on.

    Says first how long it takes. Writes table.parquet (one row for each model, seed and checkpoint)
    and report.html.
    """
    from somite.cli.options import chosen_engine
    from somite.cli.progress import TerminalWatch
    from somite.sweeps import load_design, sweep

    where = chosen_engine(engine, address, None, "cpu")
    chosen = load_design(design)
    folder = out or Path("runs") / Path(design).stem
    with TerminalWatch(console) as watch:
        sweep(chosen, folder, workers, watch, max_cells, where)
    sweep_report_command(folder)


def sweep_report_command(
    sweep: Annotated[Path, typer.Argument(help="Folder of a sweep.")],
) -> None:
    """Write the report of a sweep from its table, and print its surest effects."""
    from somite.report.sweep import build_sweep
    from somite.study.folder import writable
    from somite.sweeps import load_table
    from somite.sweeps.table import described

    table = load_table(sweep)
    title, factors = described(sweep)
    with writable(sweep):
        page, found = build_sweep(table, factors, title, sweep / "report.html")
    show_effects(found)
    console.print(f"The report is at {page}", markup=False, highlight=False, soft_wrap=True)


def show_effects(found: "pd.DataFrame") -> None:
    """Print the surest effects at the end of training."""
    title = f"The {SHOWN} surest effects at the end of training"
    table = Table("measure", "term", "effect", "95 %", "q", title=title, title_justify="left")
    for row in found.sort_values("q_value").head(SHOWN).itertuples():
        interval = f"{row.low:.3g} to {row.high:.3g}"
        table.add_row(row.measure, row.term, f"{row.effect:.3g}", interval, f"{row.q_value:.2g}")
    console.print(table)
