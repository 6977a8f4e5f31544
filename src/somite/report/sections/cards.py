"""Module cards: who belongs to each module, what it does, what breaks without it, and on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from somite.report.findings import p_text
from somite.report.layout import short_step
from somite.report.page import Block, Prose, Section, Table, not_measured
from somite.report.roles import describe_group, roles

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE, SHORT = "cards", "What each module does", "Module cards"
LEVEL = 0.05
KINDS = {
    "bigram": "tokens that one token before tells",
    "trigram": "tokens that only two tokens before tell",
    "other": "all other tokens",
    "induction": "tokens that induction tells",
}


def section(results: Results) -> Section:
    """A card for each module at the last checkpoint whose modules were withheld."""
    if not results.lesions:
        return not_measured(KEY, TITLE, SHORT, "Lesion of modules (`somite lesions`)")
    step = max(results.lesions)
    blocks: list[Block] = []
    for name, found in results.lesions[step].items():
        blocks += [Prose(card(name, found, results, step)), effects_table(name, found)]
        blocks.append(_examples(name, found))
    lead = (
        f"At step {short_step(step)}. A withheld head puts out its mean over the text. Random sets "
        "have as many heads of each layer as the module."
    )
    return Section(KEY, TITLE, SHORT, lead, blocks)


def card(name: str, found: xr.Dataset, results: Results, step: int) -> str:
    """Members, roles, birth, stability, and what suffers more than without random heads."""
    members = [str(head) for head in np.atleast_1d(found.attrs["members"])]
    known = roles(results.behavior)
    parts = [
        f"{name.capitalize()}: heads {', '.join(members)}.",
        f"Known roles: {describe_group(members, known)}.",
        *_history(name, members, results, step),
        f"Suffers without it more than without as many random heads: {_surely(found, 'q_value')}.",
        f"Alone it does better than as many random heads: {_surely(found, 'faithfulness_q')}.",
    ]
    return " ".join(parts)


def _surely(found: xr.Dataset, name: str) -> str:
    """Where a q is small, in words."""
    names = found.measure.values[(found[name] < LEVEL).values].tolist()
    words = (KINDS.get(name, name) for name in names)
    return f"{', '.join(words)} (q < {LEVEL:g})" if names else f"nothing (q ≥ {LEVEL:g})"


def _history(name: str, members: list[str], results: Results, step: int) -> list[str]:
    """How stable the module is, and since when it is there, where that was measured."""
    modules = results.modules.get("heads")
    if modules is None or step not in modules.by_step:
        return []
    kind = name.split()[0]
    one = modules.by_step[step].sel(relation=kind, component=members)
    said = [f"Stability {float(one.module_stability.values[0]):.2f} when draws are resampled."]
    if kind in modules.through and step in modules.through[kind].step:
        tracked = modules.through[kind].module.sel(component=members)
        identity = int(tracked.sel(step=step).values[0])
        held = (tracked == identity).all("component").values
        if identity >= 0 and held.any():
            first = int(tracked.step.values[held.argmax()])
            said.append(f"All of them together since step {short_step(first)}.")
    return said


def effects_table(name: str, found: xr.Dataset) -> Table:
    """What the lesion costs, beside random sets, and what the module does alone."""
    low, high = np.quantile(found.random_rise.values, [0.025, 0.975], axis=0)
    rows = []
    for number, measure in enumerate(found.measure.values.tolist()):
        one = found.isel(measure=number)
        alone = float(one.faithfulness)
        rows.append([
            KINDS.get(measure, measure),
            f"{float(one.rise):+.3f} ± {float(one.standard_error):.2g}",
            f"{low[number]:+.3f} to {high[number]:+.3f}",
            p_text(float(one.p_value)),
            f"{float(one.q_value):.2g}",
            "–" if np.isnan(alone) else f"{alone:.0%} ({p_text(float(one.faithfulness_p))})",
        ])  # fmt: skip
    how = "all" if found.attrs["exact"] else "drawn"
    compared = f"{found.attrs['sets']} random sets, 95 %"
    columns = ("loss on", "rise without it (nats/token)", compared, "p", "q", "alone it does")
    note = (
        f"p: share of the random sets ({how}) that cost at least as much; q over the rows. Alone: "
        "the part of what the heads of its layers do together that is left when all of them but "
        "the module put out their means; p: random sets that do at least as much."
    )
    return Table(f"Without the {name}", columns, rows, note)


def _examples(name: str, found: xr.Dataset) -> Table:
    rows = [
        [str(one.top_domain.item()), f"…{one.top_before.item()}", str(one.top_token.item()),
         f"{float(one.top_rise):+.2f}"]
        for one in (found.isel(example=i) for i in range(found.sizes["example"]))
    ]  # fmt: skip
    columns = ("domain", "text before", "token", "rise (nats)")
    note = "Tokens of validation text whose loss rises most, at most one of a row of text."
    return Table(f"Where the {name} matters most", columns, rows, note)
