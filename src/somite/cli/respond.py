"""`somite respond` and `somite influence`: how components answer to data, and data to data."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from somite.cli.modules import chosen_steps
from somite.core.checks import at_least

if TYPE_CHECKING:
    import xarray as xr

    from somite.study.context import Context
    from somite.study.results import Results

console = Console()
PAGE = "response.html"
SHOWN = 5
Run = Annotated[Path, typer.Argument(help="Folder of a finished run.")]
Components = Annotated[
    str | None,
    typer.Option(help="Kind, name or pattern; several with commas. Default: those of the run."),
]
Draws = Annotated[
    int | None, typer.Option(help="Kept draws per chain. Default: response.draws of the recipe.")
]
Rows = Annotated[
    int | None, typer.Option(help="Rows of each domain. Default: response.rows of the recipe.")
]
Workers = Annotated[
    int | None, typer.Option(help="Jobs at once, of one thread each. Default: one per core.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON, and nothing else.")]


def respond_command(
    run: Run,
    step: Annotated[
        list[int] | None, typer.Option(help="Checkpoint; several may be given.")
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(help="How many checkpoints, log-spaced, or all. Default: 1, the last."),
    ] = None,
    components: Components = None,
    draws: Draws = None,
    rows: Rows = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Record losses of tokens around a checkpoint and without loss; say who answers to what.

    Susceptibilities of components to every domain and every token, with errors, q and a control;
    clusters of tokens at the last checkpoint, and with several their motion.
    Says first how long it takes; stopped at any moment, the same command goes on.
    """
    from somite.study.response import study_response

    context = _context(run, components, draws, rows, workers)
    chosen = chosen_steps(context.series.steps(), step, steps)
    with _watch(as_json) as watch:
        study_response(context, chosen, workers, watch)
        results, page = _pages(run)
    if as_json:
        _print(response_numbers(results))
        return
    show_response(results)
    _say_where(page)


def influence_command(
    run: Run,
    step: Annotated[int | None, typer.Option(help="Checkpoint. Default: the last.")] = None,
    queries: Annotated[int, typer.Option(help="Examples asked about, from all domains.")] = 12,
    top: Annotated[int, typer.Option(help="Influences on each.")] = 10,
    components: Components = None,
    draws: Draws = None,
    rows: Rows = None,
    as_json: Json = False,
) -> None:
    """Find the examples and tokens that influence chosen ones most, with errors and a control.

    Uses the losses that `somite respond` records with the same options; records them if need be.
    """
    from somite.study.influence import study_influence

    context = _context(run, components, draws, rows, None)
    at = context.series.steps()[-1] if step is None else step
    with _watch(as_json) as watch:
        study_influence(context, at, queries, top, None, watch)
        results, page = _pages(run)
    found = results.influence[at]
    if as_json:
        _print(found.drop_vars(["text", "token_id"]).drop_attrs().to_dict())
        return
    show_influence(found)
    if page is not None:
        _say_where(page)


def response_numbers(results: "Results") -> dict[str, Any]:
    """What the page says in words, and its numbers of components, domains and directions."""
    from somite.report.sections import clusters
    from somite.report.sections.response import known_roles, last, sentences, separated

    table = last(results)
    tokens = [name for name in table.data_vars if {"example", "token"} & set(table[name].dims)]
    numbers = table.drop_vars([*tokens, "text", "token_id"]).drop_attrs()
    return {
        "step": int(table.attrs["step"]),
        "sentences": sentences(results),
        "roles": {name: role.name for name, role in known_roles(results).items()},
        "separation": {
            run: {name: one[name].values.tolist() for name in one.data_vars}
            for run, one in separated(results).items()
        },
        "coords": {name: c.values.tolist() for name, c in numbers.coords.items()},
        **{str(n): {"dims": v.dims, "values": v.values.tolist()} for n, v in numbers.items()},
        "clusters": {step: clusters.numbers(found) for step, found in results.clusters.items()},
    }


def show_response(results: "Results") -> None:
    """Print the answers to domains and what was found."""
    from somite.report.figures.response import unit_of
    from somite.report.sections import clusters
    from somite.report.sections.response import LEVEL, last, sentences

    table = last(results)
    unit, words = unit_of(table.domain_susceptibility)
    title = f"Susceptibility at step {table.attrs['step']} in {words}; ∗: not as in the control"
    groups = [str(name) for name in table.group.values]
    listed = Table("component", *groups, title=title, title_justify="left")
    for name in table.component.values:
        one = table.sel(component=name)
        cells = [
            f"{float(value) / unit:.2f} ± {float(error) / unit:.1g}{'∗' if q < LEVEL else ''}"
            for value, error, q in zip(
                one.domain_susceptibility, one.domain_mcse, one.domain_control_q, strict=True
            )
        ]
        listed.add_row(str(name), *cells)
    console.print(listed)
    said = [clusters.lead(found) for found in list(results.clusters.values())[-1:]]
    for sentence in (*sentences(results), *said):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def show_influence(found: "xr.Dataset") -> None:
    """Print the strongest pairs of all components."""
    from somite.report.sections.influence import lead

    title = "Strongest influences between examples"
    listed = Table("component", "query", "example", "correlation", "q", "control", title=title)
    best = found.stack(pair=("component", "query", "rank"))
    order = abs(best.correlation).fillna(0).values.argsort()[::-1][:SHOWN]
    domain = found.domain.values
    for i in order:
        one = best.isel(pair=i)
        query, example = int(found.query_example[int(one["query"])]), int(one.example)
        listed.add_row(
            str(one.component.item()),
            *(f"{domain[row]} {row}" for row in (query, example)),
            f"{float(one.correlation):.2f} ± {float(one.correlation_mcse):.2g}",
            f"{float(one.q):.2g}",
            f"{float(one.control_correlation):.2f} ± {float(one.control_correlation_mcse):.2g}",
        )
    console.print(listed)
    console.print(lead(found), markup=False, highlight=False, soft_wrap=True)


def _context(
    run: Path, components: str | None, draws: int | None, rows: int | None, workers: int | None
) -> "Context":
    """The run with other settings where they are given."""
    from somite.cli.trained import trained_run
    from somite.study.folder import read_manifest

    if workers is not None:
        at_least("workers", workers, 1)
    read_manifest(run)  # an unfinished run has no report to add to
    context = trained_run(run)
    recipe = context.recipe
    given = (("draws", draws), ("rows", rows))
    changed = {name: value for name, value in given if value is not None}
    recipe = replace(recipe, response=replace(recipe.response, **changed))
    if components is not None:
        recipe = replace(recipe, sampling=replace(recipe.sampling, components=components))
    return replace(context, recipe=recipe)


def _pages(run: Path) -> tuple["Results", Path | None]:
    """The results, with the report and the page of responses written again."""
    from somite.report import build_response, rebuild_report
    from somite.study.folder import writable

    results, _ = rebuild_report(run)
    with writable(run):
        page = build_response(results, run / PAGE) if results.response else None
    return results, page


def _watch(quiet: bool) -> Any:
    """Progress on the terminal; with JSON on standard error."""
    from somite.cli.progress import TerminalWatch

    return TerminalWatch(Console(stderr=True) if quiet else console)


def _print(numbers: dict[str, Any]) -> None:
    print(json.dumps(plain(numbers)))


def plain(value: Any) -> Any:
    """Numbers as JSON knows them: what is not finite is null.

    Example:
        >>> plain({"q": [0.5, float("nan")]})
        {'q': [0.5, None]}
    """
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _say_where(page: Path | None) -> None:
    console.print(f"The page is at {page}", markup=False, highlight=False, soft_wrap=True)
