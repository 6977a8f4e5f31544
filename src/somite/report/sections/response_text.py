"""Text coloured by how a component answers to each token, packed small for the page."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from somite.report.figures.response import CLIP, unit_of
from somite.report.page import Section, TokenViewer, not_measured, script_safe
from somite.report.sections.response import LEVEL, known_roles, last

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE = "response-text", "Answers to single tokens"
MOST = 2_400_000
"""Most answers on the page: 16 components × 150,000 tokens, about 19 MB."""
LEVELS = 255


def section(results: Results) -> Section:
    """A viewer: text coloured by χ of a chosen component, and a list of the largest answers."""
    if not results.response:
        return not_measured(KEY, TITLE, "Text", "Susceptibility (`somite respond`)")
    whole = last(results)
    table = sampled(whole)
    note = (
        "Blue: the component expresses the token (χ < 0), orange: it suppresses it; full colour "
        "at the largest 3 %. Point at a token, or reach it with the arrow keys, for χ ± standard "
        f"error. Underlined: differs from the control by more than a factor (q < {LEVEL} over all "
        "tokens and components). The first token of a row has no loss."
    )
    packed_ = script_safe(json.dumps(packed(table, results)))
    viewer = TokenViewer("tokens", "Text in the colours of a component", note, packed_)
    return Section(KEY, TITLE, "Text", lead(whole, table), (viewer,))


def lead(whole: xr.Dataset, table: xr.Dataset) -> str:
    """How many tokens there are, how many of them are shown, and how many answers are sure."""
    length = whole.sizes["token"]
    count, shown = (length * one.sizes["example"] for one in (whole, table))
    sure, beyond = (float((whole[f"token_{name}"] < LEVEL).mean()) for name in ("q", "control_q"))
    said = (
        f"{count:,} tokens: {sure:.1%} of all answers of components to them are no chance, "
        f"{beyond:.1%} differ from the control by more than a factor (q < {LEVEL})."
    )
    if shown == count:
        return said
    rows = f"{table.sizes['example']:,} of the {whole.sizes['example']:,} rows"
    return f"{said} Too many for a page: shown are {shown:,} tokens, {rows}, evenly spread."


def sampled(table: xr.Dataset) -> xr.Dataset:
    """As many rows as the page holds, evenly spread over all domains."""
    most = max(1, MOST // (table.sizes["token"] * table.sizes["component"]))
    count = table.sizes["example"]
    if count <= most:
        return table
    return table.isel(example=np.linspace(0, count - 1, most).round().astype(int))


def packed(table: xr.Dataset, results: Results) -> dict[str, Any]:
    """What the viewer needs, ready for JSON: χ as 16 bits, its error as 8 on a log scale."""
    unit, words = unit_of(table.token_susceptibility)
    roles = known_roles(results)
    names = [str(name) for name in table.component.values]
    groups = [str(name) for name in table.group.values]
    used, ids = np.unique(table.token_id.values, return_inverse=True)
    return {
        "unit": words,
        "positions": table.sizes["token"] + 1,
        "vocabulary": [str(text) for text in table.text.values[used]],
        "ids": encoded(ids.astype("<u2")),
        "groups": groups,
        "group": encoded(np.array([groups.index(str(d)) for d in table.domain.values], "<u2")),
        "components": [
            {
                "name": name,
                "role": roles[name].name if name in roles else "",
                **_answers(table.sel(component=name), unit),
            }
            for name in names
        ],
        "first": next((i for i, n in enumerate(names) if n in roles), 0),
    }


def _answers(one: xr.Dataset, unit: float) -> dict[str, Any]:
    """χ, error, those of the control, and whether they differ, of one component."""
    found: dict[str, Any] = {}
    for key, name in (("own", "susceptibility"), ("control", "control")):
        values = one[f"token_{name}"].values / unit
        found[key] = linear(values)
        found[f"{key}Error"] = logarithmic(
            one["token_mcse" if key == "own" else "token_control_mcse"].values / unit
        )
    found["full"] = float(np.quantile(np.abs(one.token_susceptibility.values / unit), CLIP))
    found["differs"] = encoded(np.packbits(one.token_control_q.values.ravel() < LEVEL))
    return found


def linear(values: np.ndarray) -> dict[str, Any]:
    """Numbers as 16-bit steps of one size.

    Example:
        >>> linear(np.array([1.0, -2.0]))["step"] * 32767
        2.0
    """
    step = float(np.abs(values).max() / 32767) or 1.0
    return {"step": step, "values": encoded(np.rint(values / step).astype("<i2"))}


def logarithmic(values: np.ndarray) -> dict[str, Any]:
    """Numbers of at least zero as 8-bit steps of their logarithm; zero becomes the smallest.

    Example:
        >>> found = logarithmic(np.array([1.0, 100.0]))
        >>> found["low"], round(found["factor"] ** 255)
        (1.0, 100)
    """
    above = values[values > 0]
    low, high = (float(above.min()), float(above.max())) if above.size else (1.0, 1.0)
    factor = (high / low) ** (1 / LEVELS)
    steps = np.log(np.maximum(values, low) / low) / (np.log(factor) or 1.0)
    return {"low": low, "factor": factor, "values": encoded(np.rint(steps).astype(np.uint8))}


def encoded(values: np.ndarray) -> str:
    """Bytes of an array as base64."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
