"""`somite pattern`: which shares of the domains would change a component as is wanted?"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from somite.cli.respond import plain
from somite.core.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from somite.study.recipe import Recipe

console = Console()
TABLE = ".csv"
EFFECTS = ("wanted", "predicted", "predicted_error", "held_out", "held_out_error")


def pattern_command(
    source: Annotated[
        Path,
        typer.Argument(help="Run with recorded losses (somite respond), or a .csv of responses."),
    ],
    want: Annotated[
        list[str],
        typer.Option(metavar="COMPONENT=CHANGE", help="Wanted change of a loss, in nats; several."),
    ],
    step: Annotated[int | None, typer.Option(help="Checkpoint. Default: the last.")] = None,
    method: Annotated[
        str, typer.Option(help="nonnegative, ridge or pseudo_inverse.")
    ] = "nonnegative",
    budget: Annotated[
        float | None, typer.Option(help="Most total change of the shares, Σ|h|.")
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="DOMAIN=SHARE", help="Of a table: share of each domain in training."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Recipe to write, with the new shares: a .toml file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the numbers as JSON, and nothing else.")
    ] = False,
) -> None:
    """Solve for the shares of the domains that change the loss of components as is wanted.

    Prints the new shares and what they are predicted to do, with errors. To first order, at one
    checkpoint: what training does with them is another matter (docs/response.md).
    """
    from somite.response import pattern

    given = _given(source, step, _numbers("--share", share or []), out)
    found = pattern(
        given.responses,
        _numbers("--want", want),
        method,
        budget=budget,
        ridge=None if "chain" in given.responses.dims else 0.0,  # exact numbers have no variance
        shares=given.shares or None,
    )
    numbers = pattern_numbers(found, given.shares)
    if out is not None:
        _write(out, given.recipe, {name: one["after"] for name, one in numbers["shares"].items()})
    if as_json:
        print(json.dumps(plain(numbers)))
        return
    show_pattern(numbers)
    if out is not None:
        console.print(f"The recipe is at {out}", markup=False, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Given:
    """What is solved from.

    Args:
        responses: A (chain, component, domain).
        shares: Of the domains in training; empty where they are not known.
        recipe: Of the run.
    """

    responses: "xr.DataArray"
    shares: dict[str, float]
    recipe: "Recipe | None" = None


def pattern_numbers(found: "xr.Dataset", shares: dict[str, float]) -> dict[str, Any]:
    """Shares before and after, effects of every component, and what there is to be warned of."""
    from somite.data import mixed_shares

    weights = {str(name): float(h) for name, h in found.weight.to_series().items()}
    after = mixed_shares(shares, weights) if shares else {}
    effects = {
        str(name): {key: float(found[key].sel(component=name)) for key in EFFECTS if key in found}
        for name in found.component.values
    }
    asked, rank = int(found.wanted.notnull().sum()), int(found.attrs["rank"])
    warning = ""
    if rank < asked:
        warning = (
            f"The responses of the {asked} wanted components have rank {rank} beyond their errors: "
            "some of them cannot be changed apart. Ask for fewer, or sample longer (--draws of "
            "somite respond)."
        )
    return {
        "method": found.attrs["method"],
        "rank": rank,
        "scale": float(found.attrs["scale"]),
        "warning": warning,
        "weights": weights,
        "shares": {n: {"before": p, "after": after[n]} for n, p in shares.items()},
        "effects": effects,
    }


def show_pattern(numbers: dict[str, Any]) -> None:
    """Print the shares, the effects and the warning."""
    title = f"Change of the data ({numbers['method']}, shortened by {numbers['scale']:.3g})"
    data = Table("domain", "h", "share before", "share after", title=title, title_justify="left")
    for name, weight in numbers["weights"].items():
        one = numbers["shares"].get(name, {})
        shares = (f"{one[key]:.3f}" if one else "" for key in ("before", "after"))
        data.add_row(name, f"{weight:+.3f}", *shares)
    console.print(data)
    heads = ("component", "wanted", "predicted", "on held-out chains")
    effects = Table(*heads, title="Predicted change of the loss, nats", title_justify="left")
    for name, one in numbers["effects"].items():
        wanted = "" if math.isnan(one["wanted"]) else f"{one['wanted']:.2g}"
        effects.add_row(name, wanted, _with_error(one, "predicted"), _with_error(one, "held_out"))
    console.print(effects)
    if numbers["warning"]:
        console.print(numbers["warning"], markup=False, highlight=False, soft_wrap=True)


def _with_error(one: dict[str, float], name: str) -> str:
    if name not in one:
        return ""
    error = one.get(f"{name}_error")
    return f"{one[name]:.2g}" + ("" if error is None else f" ± {error:.1g}")


def _given(source: Path, step: int | None, shares: dict[str, float], out: Path | None) -> Given:
    """Responses and shares of a run or of a table.

    Raises:
        InputError: If an option does not belong to it.
    """
    from somite.study.patterning import run_responses, table_responses

    if source.suffix == TABLE:
        if step is not None:
            raise InputError("--step", "must come with a run", step, "Leave it out.")
        if out is not None and not shares:
            raise InputError("--out", "must come with --share for a table", str(out), "Give both.")
        return Given(table_responses(source), shares)
    if shares:
        remedy = "Leave it out: a run knows its shares."
        raise InputError("--share", "must come with a table", list(shares), remedy)
    from somite.cli.trained import trained_run
    from somite.data import training_shares
    from somite.study.folder import read_manifest

    read_manifest(source)  # an unfinished run has no responses
    context = trained_run(source)
    return Given(run_responses(source, step), training_shares(context.corpus), context.recipe)


def _write(out: Path, recipe: "Recipe | None", shares: dict[str, float]) -> None:
    """Write the recipe of the run with new shares; of a table, its section [data] alone."""
    from somite.study.folder import writable
    from somite.study.patterning import as_toml, data_settings, patterned

    settings = {"data": data_settings(shares)}
    if recipe is not None:
        settings = patterned(recipe, shares).plain()
        del settings["name"]  # that of the file
    with writable(out):
        out.write_text(as_toml(settings) + "\n", encoding="utf-8")


def _numbers(option: str, texts: list[str]) -> dict[str, float]:
    """Numbers by name.

    Raises:
        InputError: If a text is not NAME=NUMBER.
    """
    found = {}
    for text in texts:
        name, _, value = text.rpartition("=")
        try:
            found[name] = float(value)
        except ValueError as error:
            remedy = f"Write {option} 1:3=-0.01." if option == "--want" else "Write code=0.5."
            raise InputError(option, "must be NAME=NUMBER", text, remedy) from error
    return found
