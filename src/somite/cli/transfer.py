"""`somite transfer`: do modules learn new text faster, or forget less, than random heads?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console()


def transfer_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run whose modules were measured.")],
    domain: Annotated[
        str, typer.Option(help="A domain that was not trained on, or a place of text files.")
    ] = "french",
    steps: Annotated[int, typer.Option(help="Steps of fine-tuning.")] = 32,
    rate: Annotated[
        float | None, typer.Option(help="Learning rate. Default: that of training.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Each part is trained so often, at least 2.")] = 2,
    sets: Annotated[
        int, typer.Option(help="Random sets of heads of the same layers that are compared.")
    ] = 40,
    workers: Annotated[
        int | None, typer.Option(help="Jobs at once, of one thread each. Default: one per core.")
    ] = None,
) -> None:
    """Fine-tune parts of the last checkpoint on new text: modules, random sets, layers, heads.

    Of each part: how fast it learns, how far, and what the model forgets. Run `somite modules`
    first. Adds a section to the report. Says first how long it takes; stopped at any moment, the
    same command goes on.
    """
    from somite.cli.progress import TerminalWatch
    from somite.cli.tables import printed
    from somite.cli.trained import trained_run
    from somite.core.checks import at_least
    from somite.report import rebuild_report
    from somite.report.sections import transfer
    from somite.study.folder import read_manifest
    from somite.study.held_out import TransferConfig
    from somite.study.transfer import study_transfer

    if workers is not None:
        at_least("workers", workers, 1)
    read_manifest(run)
    config = TransferConfig(steps=steps, rate=rate, seeds=seeds, sets=sets)
    with TerminalWatch(console) as watch:
        name = study_transfer(trained_run(run), domain, config, workers, watch)
        results, report = rebuild_report(run)
    found = results.transfer[name]
    for make in (transfer.parts_table, transfer.domains_table, transfer.relations_table):
        console.print(printed(make(found)))
    for sentence in transfer.sentences(found):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    console.print(f"The report is at {report}", markup=False, highlight=False, soft_wrap=True)
