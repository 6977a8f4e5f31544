"""`somite lesions`: what each module of a run does, and what breaks without it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console()


def lesions_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run whose modules were measured.")],
    step: Annotated[
        int | None, typer.Option(help="Checkpoint. Default: the last one with modules.")
    ] = None,
    sets: Annotated[
        int, typer.Option(help="Random sets of heads of the same layers that are compared.")
    ] = 200,
) -> None:
    """Withhold each module of heads, and random sets of the same size; add cards to the report.

    Of each module: which domains and behaviors suffer more than without random heads, what it does
    alone, and the text on which it matters most. Run `somite modules` first.
    """
    from somite.cli.progress import TerminalWatch
    from somite.cli.tables import printed
    from somite.cli.trained import trained_run
    from somite.report import rebuild_report
    from somite.report.sections.cards import effects_table
    from somite.study.folder import read_manifest
    from somite.study.lesions import study_lesions

    read_manifest(run)
    context = trained_run(run)
    with TerminalWatch(console) as watch:
        study_lesions(context, step, sets, watch)
        results, report = rebuild_report(run)
    at = max(results.lesions) if step is None else step
    for name, found in results.lesions[at].items():
        console.print(printed(effects_table(name, found)))
    console.print(f"The report is at {report}", markup=False, highlight=False, soft_wrap=True)
