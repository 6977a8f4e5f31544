"""`somite modules`: which components of a run belong together, and since when."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from somite.core.checks import at_least
from somite.core.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from somite.study.context import Context

console = Console()
STRONGEST = 5
ALL = "all"


def modules_command(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    step: Annotated[
        list[int] | None, typer.Option(help="Checkpoint; several may be given.")
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(
            help="How many checkpoints, log-spaced over training, or all. Default: 1, the last; "
            "from 3 on modules are followed through time, 8 show how they form."
        ),
    ] = None,
    draws: Annotated[
        int | None, typer.Option(help="Kept draws per chain. Default: modules.draws of the recipe.")
    ] = None,
    components: Annotated[
        str | None,
        typer.Option(
            help="Kinds, names or patterns of components, several with commas: heads, "
            "layers, mlps, neuron_groups:4, heads,mlps. Each set has a section of its own. "
            "Default: modules.components of the recipe, else those of the run."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Jobs at once, of one thread each. Default: one per core.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the modules as JSON, and nothing else.")
    ] = False,
) -> None:
    """Sample the interactions of all pairs of components, find modules, and add them to the report.

    Two kinds of modules are sought: redundant ones, whose components can make up for each other,
    and cooperating ones, whose components must move together. The sampler settings are those of
    the run. Says first how long it takes; stopped at any moment, the same command goes on.
    """
    from somite.cli.progress import TerminalWatch
    from somite.cli.trained import trained_run
    from somite.report import rebuild_report
    from somite.report.plain_modules import plain_modules
    from somite.study.folder import read_manifest
    from somite.study.jobs import interaction_settings
    from somite.study.modules import study_modules

    if workers is not None:
        at_least("workers", workers, 1)
    read_manifest(run)  # an unfinished run has no report to add to
    context = with_modules(trained_run(run), {"draws": draws, "components": components})
    chosen = chosen_steps(context.series.steps(), step, steps)
    with TerminalWatch(Console(stderr=True) if as_json else console) as watch:
        study_modules(context, chosen, workers, watch)
        results, report = rebuild_report(run)
    which = str(interaction_settings(context)["components"])
    modules = results.modules[which]
    at = max(at for at in chosen if at in modules.by_step)
    if as_json:
        print(json.dumps(plain_modules({which: modules}, at)[which]))
        return
    show_modules(modules.by_step[at])
    for through in modules.through.values():
        show_through(through)
    console.print(f"The report is at {report}", markup=False, highlight=False, soft_wrap=True)


def chosen_steps(known: list[int], step: list[int] | None, steps: str | None) -> list[int]:
    """The checkpoints that are asked for.

    Raises:
        InputError: If both ways of asking are used, or `steps` is neither "all" nor a number.

    Example:
        >>> chosen_steps([0, 1, 10, 100], None, "2"), chosen_steps([0, 1, 10, 100], None, None)
        ([0, 100], [100])
    """
    if step and steps is not None:
        raise InputError("--steps", "must come without --step", steps, "Give one of the two.")
    if step:
        return sorted(set(step))
    if steps == ALL:
        return known
    try:
        count = int(steps or "1")
    except ValueError as error:
        remedy = "Write --steps 8, or --steps all."
        raise InputError("--steps", "must be a number or all", steps, remedy) from error
    return log_spaced(known, at_least("--steps", count, 1))


def log_spaced(known: list[int], count: int) -> list[int]:
    """So many of the steps, nearest to even spacing in log(step + 1); the last one is among them.

    Example:
        >>> log_spaced([0, 1, 2, 5, 10, 50, 100, 500, 1000], 4)
        [0, 10, 100, 1000]
    """
    if count >= len(known):
        return known
    places = [math.log1p(step) for step in known]
    apart = (places[-1] - places[0]) / max(count - 1, 1)
    chosen: list[int] = []
    for number in range(count):  # from the last one backwards, none twice
        wanted = places[-1] - number * apart
        left = [i for i in range(len(known)) if known[i] not in chosen]
        chosen.append(known[min(left, key=lambda i: abs(places[i] - wanted))])
    return sorted(chosen)


def with_modules(context: "Context", settings: Mapping[str, Any]) -> "Context":
    """The context with other settings for interactions, those that are None left as they are."""
    given = {name: value for name, value in settings.items() if value is not None}
    modules = replace(context.recipe.modules, **given)
    return replace(context, recipe=replace(context.recipe, modules=modules))


def show_through(through: "xr.Dataset") -> None:
    """Print modularity over training, and the events."""
    from somite.cli.tables import printed
    from somite.report.sections.through import events_table, sentence

    title = f"{through.attrs['relation'].capitalize()} modules through training"
    table = Table("step", "modularity", "by chance", "q", title=title, title_justify="left")
    for at in through.step.values:
        one = through.sel(step=at)
        chance = f"{float(one.null_low):.2f} to {float(one.null_high):.2f}"
        table.add_row(str(at), f"{float(one.modularity):.2f}", chance, f"{float(one.q_value):.2g}")
    console.print(table)
    console.print(printed(events_table(through)))
    console.print(sentence(through), markup=False, highlight=False, soft_wrap=True)


def show_modules(found: "xr.Dataset") -> None:
    """Print the modules of one checkpoint, the strongest interactions, what other methods say."""
    from somite.report.sections.modules import chance, members, strongest

    for relation in found.relation.values:
        one = found.sel(relation=relation)
        title = f"{relation.capitalize()} modules at step {found.attrs['step']}: {chance(one)}"
        table = Table("module", "components", "stability", title=title, title_justify="left")
        for number, names, stability in members(one):
            table.add_row(str(number), " ".join(names), f"{stability:.2f}")
        console.print(table)
    pairs = Table("pair", "I ± MCSE", "q", title="Strongest interactions", title_justify="left")
    for a, b, value, error, q in strongest(found)[:STRONGEST]:
        pairs.add_row(f"{a} × {b}", f"{value:.2f} ± {error:.2f}", f"{q:.2g}")
    console.print(pairs)
    if "ari" in found:
        show_methods(found)


def show_methods(found: "xr.Dataset") -> None:
    """Print how well the modules of other methods agree with either kind of ours."""
    kinds = [str(name) for name in found.relation.values]
    columns = (f"ARI with {kind} (p)" for kind in kinds)
    others = Table("method", *columns, title="Other methods", title_justify="left")
    for name in found.baseline.values:
        cells = [found.sel(baseline=name, relation=kind) for kind in kinds]
        said = (f"{float(one.ari):.2f} ({float(one.ari_p_value):.2g})" for one in cells)
        others.add_row(str(name), *said)
    console.print(others)
