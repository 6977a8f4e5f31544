"""The command `somite`: thin doors to the library, one line per error."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from somite.cli.any_model import components_command, llc_command, track_command
from somite.cli.benchmark import benchmark_app
from somite.cli.calibrate import calibrate_command
from somite.cli.compress import compress_command
from somite.cli.data import data_app
from somite.cli.lesions import lesions_command
from somite.cli.modules import modules_command
from somite.cli.options import chosen_engine, pair
from somite.cli.pattern import pattern_command
from somite.cli.respond import influence_command, respond_command
from somite.cli.sweep import sweep_command, sweep_report_command
from somite.cli.transfer import transfer_command
from somite.cli.verify import verify_command
from somite.core.errors import InputError

app = typer.Typer(
    help="Measure how modules form inside neural networks, with error bars.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(benchmark_app, name="benchmark")
app.add_typer(data_app, name="data")
app.command("calibrate")(calibrate_command)
app.command("components")(components_command)
app.command("compress")(compress_command)
app.command("influence")(influence_command)
app.command("lesions")(lesions_command)
app.command("llc")(llc_command)
app.command("modules")(modules_command)
app.command("pattern")(pattern_command)
app.command("respond")(respond_command)
app.command("sweep")(sweep_command)
app.command("sweep-report")(sweep_report_command)
app.command("track")(track_command)
app.command("transfer")(transfer_command)
app.command("verify")(verify_command)
console = Console()

STOPPED = 130
"""Exit code of typer after Ctrl-C."""

RunFolder = Annotated[Path, typer.Argument(help="Folder of a finished run.")]


@app.command("run")
def run_command(
    recipe: Annotated[
        str, typer.Argument(help="Name of a shipped recipe, or a .toml file.")
    ] = "language-small",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run. Default: runs/RECIPE.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a setting, e.g. seed=1."),
    ] = None,
    device: Annotated[str, typer.Option(help="Where models run: cpu or cuda.")] = "cpu",
    workers: Annotated[
        int | None,
        typer.Option(
            help="Jobs at once, of one thread each. Default: one per core; one on a GPU; as many "
            "as a cluster has room for."
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="Where jobs run: local or ray.")] = "local",
    address: Annotated[
        str | None,
        typer.Option(help="Ray cluster: HOST:PORT or auto. Default: one on this machine."),
    ] = None,
    gpus_per_job: Annotated[
        float | None, typer.Option(help="Share of a GPU for each job on Ray. Default: 1.")
    ] = None,
) -> None:
    """Train, sample and measure; stop it at any moment, the same command goes on."""
    from somite.cli.progress import TerminalWatch
    from somite.report import rebuild_report
    from somite.study import load_recipe, run_study

    check_device(device)
    where = chosen_engine(engine, address, gpus_per_job, device)
    chosen = load_recipe(recipe, dict(pair(text) for text in settings or []))
    folder = out or Path("runs") / chosen.name
    with TerminalWatch(console) as watch:
        run_study(chosen, folder, workers, device, watch, where)
        watch.say("writing the report")
        _, report = rebuild_report(folder)
    _say_where(report)


@app.command("report")
def report_command(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option(help="File to write. Default: report.html in the run's folder.")
    ] = None,
) -> None:
    """Write the report of a finished run again, from its store alone."""
    from somite.report import build_report, build_response
    from somite.study import load_results
    from somite.study.folder import writable

    results, path = load_results(run), out or run / "report.html"
    with writable(path):
        report = build_report(results, path)
        if results.response:
            build_response(results, path.with_name("response.html"))
    _say_where(report)


@app.command("show")
def show_command(run: RunFolder) -> None:
    """Print the main tables of a finished run."""
    from somite.cli.tables import show_results
    from somite.study import load_results

    show_results(load_results(run), console)


@app.command("recipes")
def recipes_command() -> None:
    """List the shipped recipes."""
    from rich.table import Table

    from somite.study.recipe import load_recipe, recipe_names

    table = Table("recipe", "what it does", box=None)
    for name in recipe_names():
        table.add_row(name, load_recipe(name).description)
    console.print(table)


def check_device(device: str) -> None:
    """Require a device that is there.

    Raises:
        InputError: If it is not.
    """
    import torch

    if device not in ("cpu", "cuda"):
        raise InputError("device", "must be cpu or cuda", device, "Give --device cpu.")
    if device == "cuda" and not torch.cuda.is_available():
        remedy = "No CUDA device is visible to PyTorch; give --device cpu."
        raise InputError("device", "must be there", device, remedy)


def _say_where(report: Path) -> None:
    console.print(f"The report is at [bold]{escape(str(report))}[/bold]", soft_wrap=True)


def run() -> None:
    """Entry point: bad input is one line on stderr and exit code 2, a stop is exit code 130.

    Raises:
        SystemExit: With the exit code.
    """
    try:
        app()
    except InputError as error:
        print(f"somite: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as end:
        if end.code == STOPPED:
            print("somite: stopped; the same command goes on from here.", file=sys.stderr)
        raise


if __name__ == "__main__":
    run()
