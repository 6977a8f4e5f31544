"""`somite calibrate`: sampler settings found from the checkpoints of a run."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from somite.calibration import Calibration
    from somite.study.context import Context

console = Console()


def calibrate_command(
    run: Annotated[Path, typer.Argument(help="Folder of a run; training has to be done.")],
    kernel: Annotated[str, typer.Option(help="BAOAB or SGLD.")] = "BAOAB",
    error: Annotated[
        float, typer.Option(help="Relative error that the median component shall reach.")
    ] = 0.05,
    guess: Annotated[
        float, typer.Option(help="Localization to keep where no checkpoint has a basin.")
    ] = 100.0,
    n: Annotated[
        int | None, typer.Option(help="Number of samples: n_beta is n / log n where it can be.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Rows per minibatch. Default: that of the recipe.")
    ] = None,
    checkpoints: Annotated[
        int, typer.Option(help="How many checkpoints to look at; the last is one of them.")
    ] = 3,
    out: Annotated[
        Path | None, typer.Option(help="Page to write. Default: calibration.html in the run.")
    ] = None,
) -> None:
    """Find sampler settings for all checkpoints and components of a run, and say why."""
    from somite.calibration import calibration_plan
    from somite.cli.trained import trained_run
    from somite.core.checks import at_least
    from somite.report.calibration import write_calibration
    from somite.study.folder import writable

    at_least("checkpoints", checkpoints, 1)
    context = trained_run(run)
    sampling = context.recipe.sampling
    if batch_size is None:
        batch_size = sampling.batch_size
    plan = {"kernel": kernel, "error": error, "guess": guess, "n": n, "batch_size": batch_size}
    plan |= {"chains": sampling.chains, "seed": sampling.seed}
    calibration_plan(plan)
    found = _calibrated(context, checkpoints, plan)
    page = out or run / "calibration.html"
    with writable(page):
        write_calibration(found, context.recipe.name or run.name, page)
    _tell(found, context, page)


def _calibrated(context: "Context", checkpoints: int, plan: dict[str, object]) -> "Calibration":
    """Calibrate a few checkpoints of a run on the rows that it samples."""
    from somite.calibration import calibrate
    from somite.cli.trained import spread_steps
    from somite.core.threads import torch_threads
    from somite.data.config import MIXTURE
    from somite.models.losses import next_token_loss
    from somite.study.jobs import THREADS, sampling_rows, sampling_settings

    rows = sampling_rows(context, sampling_settings(context, MIXTURE), MIXTURE)
    steps = spread_steps(context.series.steps(), checkpoints)
    models = {str(step): context.model(step) for step in steps}
    with torch_threads(THREADS), watched() as say:
        say(f"checkpoints {', '.join(models)} of {context.run.name}")
        return calibrate(
            models,
            next_token_loss,
            rows.to(context.device),
            components=context.recipe.sampling.components,
            say=say,
            **plan,
        )


@contextmanager
def watched() -> Iterator[Callable[[str], None]]:
    """Show what is being done and for how long; in a file, one line for each."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    started = time.monotonic()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)

        def say(text: str) -> None:
            if console.is_terminal:
                progress.update(task, description=text)
            else:
                _print(f"{time.monotonic() - started:5.0f} s  {text}")

        yield say


def _tell(found: "Calibration", context: "Context", page: Path) -> None:
    """Print the reasons, the settings, the cost and where the page is."""
    from somite.components import components

    for sentence in found.words:
        _print(f"- {sentence}")
    _print("\nAfter `somite run`, write:")
    settings = {name: value for name, value in found.recipe.items() if name != "chains"}
    _print(set_options("sampling", settings))
    masks = components(context.new_model(), context.recipe.sampling.components)
    steps = context.recipe.steps
    minutes = found.cost(len(masks), len(steps)) / 60
    _print(
        f"\nSampling all {len(steps)} checkpoints and {len(masks)} components takes about "
        f"{minutes:.3g} minutes of one core."
    )
    _print(f"The map is at {page}")


def set_options(section: str, settings: Mapping[str, object]) -> str:
    """Settings of a section of a recipe as options that can be pasted after `somite run`.

    Example:
        >>> set_options("sampling", {"kernel": "SGLD", "n_beta": 30.0})
        '--set sampling.kernel=SGLD --set sampling.n_beta=30'
    """
    return " ".join(f"--set {section}.{name}={_short(value)}" for name, value in settings.items())


def _short(value: object) -> str:
    """A number without a needless `.0`."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _print(text: str) -> None:
    """A line without markup, never broken, so that it can be pasted."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
