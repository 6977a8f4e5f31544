"""Patterning of a run: responses of components to domains, and the recipe with the shares found."""

import csv
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import one_of
from somite.core.errors import InputError
from somite.data.config import REPEATS
from somite.response import group_losses, responses
from somite.study.cells import read_cell
from somite.study.folder import listed_response
from somite.study.recipe import Recipe
from somite.study.recorded_cells import read_losses
from somite.study.response_jobs import POSTERIOR

CHAIN, COMPONENT, DOMAIN = "chain", "component", "domain"


def run_responses(run: Path, step: int | None = None) -> xr.DataArray:
    """A of the components of a run to its domains, from the losses that `somite respond` recorded.

    Args:
        run: Its folder.
        step: Checkpoint; the last one with recorded losses if left out.

    Returns:
        (chain, component, domain), chains that failed left out; attribute `step`.

    Raises:
        InputError: If there are no such losses, or they are of other rows than the responses.
    """
    cells, losses = (listed_response(run, part) for part in ("cells", "losses"))
    known = sorted(int(at) for at in cells if at in losses)
    if not known:
        remedy = "Give `somite respond` first."
        raise InputError("run", "must hold recorded losses of tokens", str(run), remedy)
    at = known[-1] if step is None else step
    one_of("step", str(at), [str(one) for one in known])
    own = read_losses(run / losses[str(at)][POSTERIOR])
    domains = read_cell(run / cells[str(at)]).domain.values
    if len(domains) != own.loss.sizes["example"]:
        remedy = "Give `somite respond` again; `somite influence` recorded other rows since."
        rule = f"must be of the {len(domains)} rows of its responses"
        raise InputError("recorded losses", rule, own.loss.sizes["example"], remedy)
    means = group_losses(own.loss, [str(name) for name in domains])
    found = responses(own.draws, means, on_failure="leave out").rename(group=DOMAIN)
    return found.assign_attrs(step=at)


def table_responses(path: Path) -> xr.DataArray:
    """A from a table: a column component, one for each domain, and chain if there are several.

    Raises:
        InputError: If it cannot be read, or rows or numbers are missing.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        rule = "must be a run or a readable .csv file"
        raise InputError("responses", rule, str(path), "Check the path.") from error
    names = [name for name in (rows[0] if rows else {}) if name not in (CHAIN, COMPONENT)]
    if not names or COMPONENT not in rows[0]:
        rule = "must have the column component and one for each domain"
        raise InputError("responses", rule, list(rows[0]) if rows else [], "See docs/response.md.")
    components, chains = (
        list(dict.fromkeys(row.get(key, "") for row in rows)) for key in (COMPONENT, CHAIN)
    )
    values = np.full((len(chains), len(components), len(names)), np.nan)
    try:
        for row in rows:
            place = chains.index(row.get(CHAIN, "")), components.index(row[COMPONENT])
            values[place] = [float(row[name]) for name in names]
    except (TypeError, ValueError) as error:
        raise InputError("responses", "must be numbers", str(error), "Fill the table.") from error
    found = xr.DataArray(values, {COMPONENT: components, DOMAIN: names}, (CHAIN, COMPONENT, DOMAIN))
    return found if CHAIN in rows[0] else found.isel({CHAIN: 0})


def data_settings(shares: Mapping[str, float]) -> dict[str, Any]:
    """Settings of the section [data] that make these shares of all domains.

    Raises:
        InputError: If nothing but repeats is left.

    Example:
        >>> data_settings({"code": 0.3, "wiki": 0.3, "repeats": 0.4})
        {'repeats_share': 0.4, 'shares': {'code': 0.5, 'wiki': 0.5}}
    """
    repeats = shares.get(REPEATS, 0.0)
    text = {name: share for name, share in shares.items() if name != REPEATS}
    if not (left := sum(text.values())) > 0:
        remedy = "Ask for less, or give a budget."
        raise InputError("shares", "must leave some natural text", dict(shares), remedy)
    return {
        "repeats_share": round(repeats, 6),
        "shares": {name: share / left for name, share in text.items()},
    }


def patterned(recipe: Recipe, shares: Mapping[str, float]) -> Recipe:
    """The recipe with other shares of the domains in training."""
    return replace(recipe, data=replace(recipe.data, **data_settings(shares)))


def as_toml(settings: Mapping[str, Any]) -> str:
    """Settings as TOML: plain values, then a section for each mapping.

    Example:
        >>> print(as_toml({"seed": 0, "data": {"shares": {"code": 1.0}}}))
        seed = 0
        <BLANKLINE>
        [data]
        shares = { "code" = 1.0 }
    """
    lines = [f"{n} = {_value(v)}" for n, v in settings.items() if not isinstance(v, Mapping)]
    for name, section in settings.items():
        if isinstance(section, Mapping):
            lines += ["", f"[{name}]", *(f"{n} = {_value(v)}" for n, v in section.items())]
    return "\n".join(lines).lstrip("\n")


def _value(value: Any) -> str:
    """A value; texts, numbers and lists are written as in JSON."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_value(str(name))} = {_value(one)}" for name, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return json.dumps(value, ensure_ascii=False)
