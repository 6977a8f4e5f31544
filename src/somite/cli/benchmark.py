"""`somite benchmark modularity`: which method finds modules that are known?"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

benchmark_app = typer.Typer(help="Compare methods on networks whose answers are known.")
console = Console()
DEFAULT = Path("runs/comparison")
COLUMNS = ("truth", "method", "seeds", "auc", "ari", "ami", "modular", "sign_right", "seconds")


@benchmark_app.callback()
def benchmark() -> None:
    """Compare methods on networks whose answers are known."""


@benchmark_app.command("modularity")
def modularity_command(
    truths: Annotated[
        list[str] | None, typer.Option(help="Ground truth; several may be given. Default: all.")
    ] = None,
    methods: Annotated[
        list[str] | None, typer.Option(help="Method; several may be given. Default: all.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Networks of every truth. Default: 5.")] = None,
    workers: Annotated[
        int | None,
        typer.Option(help="Networks at once, of one thread each. Default: one per core."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of what is measured.")] = DEFAULT,
    small: Annotated[bool, typer.Option("--small", help="Few truths and seeds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run methods on ground truths; stop it at any moment, the same command goes on.

    Writes comparison.csv (one row for each measurement), comparison.json (with means over seeds)
    and comparison.html (the figure).
    """
    from somite.cli.progress import TerminalWatch
    from somite.report.comparison import write_comparison
    from somite.study.folder import writable
    from somite.truths.comparison import Comparison, compare, identity
    from somite.truths.comparison import small as small_comparison
    from somite.truths.tables import summary, write_tables

    usual = small_comparison() if small else Comparison()
    plan = Comparison(
        tuple(truths or usual.truths),
        tuple(methods or usual.methods),
        usual.seeds if seeds is None else seeds,
    )
    shown = Console(stderr=True) if as_json else console
    with writable(out):
        with TerminalWatch(shown) as watch:
            rows = compare(plan, out / "cells", workers, watch)
        paths = write_tables(rows, out, {"source": identity(), "python": sys.version.split()[0]})
        page = write_comparison(rows, out / "comparison.html")
    if as_json:
        print(json.dumps(summary(rows), ensure_ascii=False))
        return
    show(summary(rows))
    for path in (*paths, page):
        console.print(f"Written: {path}", markup=False, highlight=False, soft_wrap=True)


def show(lines: list[dict[str, object]]) -> None:
    """Print means over seeds."""
    table = Table(*COLUMNS, box=None)
    for line in lines:
        table.add_row(*(_text(line.get(name)) for name in COLUMNS))
    console.print(table)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else str(value)
