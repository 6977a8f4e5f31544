"""`somite compress`: how far weights can be spoiled, and how that goes with their coefficients."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from somite.cli.modules import chosen_steps
from somite.cli.respond import plain
from somite.core.checks import at_least

if TYPE_CHECKING:
    import xarray as xr

console = Console()


def compress_command(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    steps: Annotated[
        str, typer.Option(help="How many checkpoints, log-spaced over training, or all.")
    ] = "all",
    tolerance: Annotated[
        float, typer.Option(help="Rise of the loss that is allowed, in nats per token.")
    ] = 0.05,
    every: Annotated[
        bool,
        typer.Option("--every", help="Spoil components at every checkpoint, not the last alone."),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Jobs at once, of one thread each. Default: one per core.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the relations as JSON, and nothing else.")
    ] = False,
) -> None:
    """Quantise, factor, disturb and prune the weights; drop heads; corrupt the text.

    Finds the critical bits, ranks, noise and kept share at a tolerance, of all weights and of each
    component, and how they and the damage go with learning coefficients over the checkpoints.
    Adds a section to the report. Says first how long it takes; stopped at any moment, the same
    command goes on.
    """
    from somite.cli.progress import TerminalWatch
    from somite.cli.tables import printed
    from somite.cli.trained import trained_run
    from somite.report import rebuild_report
    from somite.report.sections.compression import relations_table, sentences
    from somite.study.compression import study_compression
    from somite.study.folder import read_manifest

    if workers is not None:
        at_least("workers", workers, 1)
    read_manifest(run)  # an unfinished run has no coefficients to compare with
    context = trained_run(run)
    chosen = chosen_steps(context.series.steps(), None, steps)
    with TerminalWatch(Console(stderr=True) if as_json else console) as watch:
        study_compression(context, chosen, tolerance, every, workers, watch)
        results, report = rebuild_report(run)
    assert results.compression is not None
    if as_json:
        print(json.dumps(plain(plain_relations(results.compression))))
        return
    console.print(printed(relations_table(results.compression)))
    for sentence in sentences(results.compression):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    console.print(f"The report is at {report}", markup=False, highlight=False, soft_wrap=True)


def plain_relations(found: "xr.Dataset") -> list[dict[str, object]]:
    """Relations as plain values."""
    columns = {
        str(n): found[n].values.tolist() for n in found.data_vars if found[n].dims == ("row",)
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
