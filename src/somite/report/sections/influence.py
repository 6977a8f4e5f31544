"""Influences between examples and between tokens, for a few queries, with errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from somite.report.figures.response import unit_of
from somite.report.layout import short_step
from somite.report.page import InfluenceViewer, Section, not_measured, script_safe

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE = "influence", "Influence between examples"
LEVEL = 0.05
AROUND = 12
"""Tokens shown before an influencing token."""
NOTE = (
    "Influence = −Cov of two losses while the component alone moves; negative: learning the one "
    "lowers the loss of the other, their losses then correlate positively. ± standard errors. q: "
    "over all pairs; of tokens, as if all pairs had been tested. Control: the correlation without "
    "any loss, and q of the difference to it. Shown are the largest of many, which are too large "
    "on average. Tokens are asked about at the place of the query whose loss varies most."
)


def section(results: Results) -> Section:
    """A viewer for the last checkpoint at which influences were taken."""
    if not results.influence:
        return not_measured(KEY, TITLE, "Influence", "Influence (`somite influence`)")
    table = results.influence[max(results.influence)]
    viewer = InfluenceViewer(
        "influences", "What influences an example", NOTE, script_safe(json.dumps(packed(table)))
    )
    return Section(KEY, TITLE, "Influence", lead(table), (viewer,))


def lead(table: xr.Dataset) -> str:
    """How many of the largest influences are no chance, and stand off from the control."""
    sure, beyond = (float((table[name] < LEVEL).mean()) for name in ("q", "control_q"))
    return (
        f"At step {short_step(table.attrs['step'])}: of the {table.sizes['rank']} largest "
        f"influences on each of {table.sizes['query']} examples, {sure:.0%} are no chance and "
        f"{beyond:.0%} differ from the control (q < {LEVEL} over all pairs). Where examples and "
        f"queries come from different chains, p ≤ 0.05 in {float(table.null_share.mean()):.1%}."
    )


def packed(table: xr.Dataset) -> dict[str, Any]:
    """What the viewer needs, ready for JSON."""
    words = [str(text) for text in table.text.values]
    rows = [[words[i] for i in row] for row in table.token_id.values]
    domains = [str(name) for name in table.domain.values]
    units = [unit_of(table[name].values) for name in ("influence", "token_influence")]
    return {
        "units": [words for _, words in units],
        "components": [str(name) for name in table.component.values],
        "queries": [
            {"domain": domains[row], "row": row, "tokens": rows[row], "token": token + 1}
            for row, token in zip(
                table.query_example.values.tolist(), table.query_token.values.tolist(), strict=True
            )
        ],
        "rows": [
            [
                {
                    "examples": _examples(one, units[0][0], rows, domains),
                    "tokens": _tokens(one, units[1][0], rows, domains),
                }
                for one in (component.isel(query=i) for i in range(table.sizes["query"]))
            ]
            for component in (table.isel(component=i) for i in range(table.sizes["component"]))
        ],
    }


def _examples(
    one: xr.Dataset, unit: float, rows: list[list[str]], domains: list[str]
) -> list[list[str]]:
    cells = _numbers(one, "", unit)
    return [
        [f"{domains[row]} {row}", "".join(rows[row]), *numbers]
        for row, numbers in zip(one.example.values.tolist(), cells, strict=True)
    ]


def _tokens(
    one: xr.Dataset, unit: float, rows: list[list[str]], domains: list[str]
) -> list[list[str]]:
    cells, found = _numbers(one, "token_", unit), []
    places = zip(one.token_example.values.tolist(), one.token.values.tolist(), strict=True)
    for (row, token), numbers in zip(places, cells, strict=True):
        before = "".join(rows[row][max(0, token + 1 - AROUND) : token + 1])
        text = f"{before}▸{rows[row][token + 1]}"  # a loss belongs to the token after
        found.append([f"{domains[row]} {row}", text, *numbers])
    return found


def _numbers(one: xr.Dataset, prefix: str, unit: float) -> list[list[str]]:
    """Influence, correlation, q, that of the control, and q of the difference, as text."""

    def values(name: str) -> np.ndarray:
        found: np.ndarray = one[f"{prefix}{name}"].values
        return found

    return [
        [f"{a / unit:.2f} ± {b / unit:.2g}", f"{c:.2f} ± {d:.2g}", f"{q:.2g}",
         f"{e:.2f} ± {f:.2g}", f"{other:.2g}"]
        for a, b, c, d, q, e, f, other in zip(
            *(values(n) for n in ("influence", "influence_mcse", "correlation")),
            *(values(n) for n in ("correlation_mcse", "q", "control_correlation")),
            *(values(n) for n in ("control_correlation_mcse", "control_q")),
            strict=True,
        )
    ]  # fmt: skip
