"""Attention patterns on real text, packed small: one byte per weight, lower triangle only."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from somite.report.page import Section, Viewer, not_measured, script_safe
from somite.report.palette import category_color
from somite.report.reading import group_of
from somite.report.roles import roles

if TYPE_CHECKING:
    from somite.study.results import Results

TITLE = "Attention on real text"


def section(results: Results) -> Section:
    """A viewer: tokens coloured by the attention that a chosen token pays them."""
    attention = results.attention
    if attention is None or attention.sizes["example"] == 0:
        return not_measured("attention", TITLE, "Attention", "Attention on text")
    note = (
        "Point at, click or reach with the arrow keys a token: the tokens before it are coloured "
        "by the square root of the attention paid to them (0 white, 1 full). The "
        "square shows the whole pattern: rows are the looking tokens, columns the tokens looked at."
    )
    viewer = Viewer(
        "patterns", "Where a head looks", note, script_safe(json.dumps(packed(attention, results)))
    )
    shown = ", ".join(str(name) for name in attention["component"].values)
    lead = f"Heads {shown} at the last checkpoint, on validation text."
    return Section("attention", TITLE, "Attention", lead, (viewer,))


def packed(attention: xr.Dataset, results: Results) -> dict[str, Any]:
    """What the viewer needs, ready for JSON."""
    known = roles(results.behavior)
    groups = group_of(results)
    names = [str(name) for name in attention["component"].values]
    heads = [
        {
            "name": name,
            "role": known[name].name if name in known else "",
            "color": category_color(groups.get(name, 0)),
        }
        for name in names
    ]
    first = next((i for i, name in enumerate(names) if "induction" in heads[i]["role"]), 0)
    examples = [example(attention.isel(example=at)) for at in range(attention.sizes["example"])]
    return {"heads": heads, "first": first, "examples": examples}


def example(attention: xr.Dataset) -> dict[str, Any]:
    """Tokens, domain and patterns of one text."""
    patterns = attention["pattern"].transpose("component", "query", "key").values
    return {
        "domain": str(attention["domain"].values),
        "tokens": [str(token) for token in attention["token"].values],
        "patterns": [pack(pattern) for pattern in patterns],
    }


def pack(pattern: np.ndarray) -> str:
    """Lower triangle (key ≤ query) of a pattern in [0, 1], row by row, as bytes in base64.

    Example:
        >>> list(base64.b64decode(pack(np.array([[1.0, 0.0], [0.2, 0.8]]))))
        [255, 51, 204]
    """
    rows, columns = np.tril_indices(pattern.shape[0])
    weights = np.nan_to_num(pattern[rows, columns].astype(float))
    levels = np.clip(np.rint(weights * 255), 0, 255).astype(np.uint8)
    return base64.b64encode(levels.tobytes()).decode("ascii")
