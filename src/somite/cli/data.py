"""`somite data`: which texts there are, and fetching them ahead."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

data_app = typer.Typer(help="Texts to train on.", no_args_is_help=True)
console = Console()


@data_app.command("list")
def list_command() -> None:
    """List the built-in domains of text, and the trained models."""
    from somite.data import domain_table, model_table

    table = Table("domain", "package", "download", "cached", "characters", "licence", box=None)
    for row in domain_table():
        package = f"{row['package']} {row['version'] or ''}".strip()
        size = _size(row["bytes"])
        characters = f"{row['characters']:,}" if row["characters"] else "unknown before fetching"
        cached = "yes" if row["cached"] else "no"
        table.add_row(str(row["name"]), package, size, cached, characters, str(row["licence"]))
    console.print(table)
    models = Table("model", "packages", "download", "cached", "licence", box=None)
    for row in model_table():
        cached = "yes" if row["cached"] else "no"
        models.add_row(
            str(row["name"]), str(row["packages"]), _size(row["bytes"]), cached, str(row["licence"])
        )
    console.print()
    console.print(models)


def _size(bytes_: object) -> str:
    return f"{bytes_ / 2**20:.1f} MB" if isinstance(bytes_, int) and bytes_ else "none"


@data_app.command("fetch")
def fetch_command(
    domains: Annotated[
        list[str] | None,
        typer.Argument(help="Domains, or the models smollm2, mnist-cnn. Default: all domains."),
    ] = None,
) -> None:
    """Download domains of text, or small trained models, into the cache, checked by sha256.

    Raises:
        Exit: With code 1 if a domain or model could not be had.
    """
    from somite.core.checks import one_of
    from somite.data import DOMAINS, PRETRAINED, TEXT_DOMAINS, fetch_domains, fetch_models

    names = [one_of("domains", name, (*TEXT_DOMAINS, *PRETRAINED)) for name in domains or DOMAINS]
    found_all = fetch_domains(name for name in names if name in TEXT_DOMAINS)
    found_all |= fetch_models(name for name in names if name in PRETRAINED)
    failed = False
    for name, found in found_all.items():
        failed |= isinstance(found, str)
        console.print(f"{name}: {found}", soft_wrap=True, highlight=False, markup=False)
    if failed:
        raise typer.Exit(1)
