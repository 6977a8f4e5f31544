"""Transfer: do modules learn new text faster than random heads, and does the model forget less?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from somite.consequences.transfer import FORGOTTEN, MEASURES
from somite.report.figures.transfer import transfer_figure
from somite.report.findings import p_text
from somite.report.layout import short_step
from somite.report.page import Block, Chart, Section, Table, not_measured

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE, SHORT = "transfer", "Transfer to new text", "Transfer"
LEVEL = 0.05
DIFFERENT = {
    "early": ("learns faster", "learns more slowly"),
    "steps": ("gets half-way in fewer steps", "needs more steps to get half-way"),
    "final": ("ends lower", "ends higher"),
    "forgetting": ("forgets less", "forgets more"),
    "forgetting_at_target": ("forgets less on the way there", "forgets more on the way there"),
}
PREDICTORS = {
    "llc": "rLLC there",
    "lesion": "lesion there",
    "selectivity": "selectivity for one domain of training",
}
OUTCOMES = {"gain": "what training it alone gains", "forgetting": "what is then forgotten"}


def section(results: Results) -> Section:
    """Curves, a table of parts, and what predicts them, for each domain."""
    if not results.transfer:
        return not_measured(KEY, TITLE, SHORT, "Transfer (`somite transfer`)")
    blocks: list[Block] = []
    for domain, found in results.transfer.items():
        note = (
            "Bands and small points: random sets with as many heads of each layer (95 %). Only "
            "that part is trained, all other weights stay as they are."
        )
        chart = Chart(f"transfer-{domain}", f"Parts of the model trained on {domain}", note,
                      transfer_figure(found))  # fmt: skip
        blocks += [chart, parts_table(found), domains_table(found), relations_table(found)]
    lead = " ".join(line for found in results.transfer.values() for line in sentences(found))
    return Section(KEY, TITLE, SHORT, lead, blocks)


def sentences(found: xr.Dataset) -> list[str]:
    """In what modules differ from random sets, and whether coefficients tell what heads gain."""
    said = []
    for module in found.module.values.tolist():
        one = found.sel(module=module)
        far = one.measure.values[(one.p_value < LEVEL).values].tolist()
        words = [_different(one.sel({"measure": m, "set": module})) for m in far]
        what = f"{', '.join(words)}." if words else f"nothing tells it from them (p ≥ {LEVEL:g})."
        said.append(
            f"On {found.attrs['domain']}, of the {module} and {int(one.sets)} sets of its layers "
            f"and size: {what}"
        )
    chosen = (found.subject == "single heads") & (found.outcome == "gain")
    for row in np.flatnonzero(chosen.values):
        one = found.isel(row=row)
        if not one.remark.item():
            said.append(
                f"Over {int(one.points)} heads {OUTCOMES['gain']} and its "
                f"{PREDICTORS[str(one.against.item())]} have the rank correlation {_rank(one)}."
            )
    return said


def _different(one: xr.Dataset) -> str:
    """How the module differs in a measure, with z, p and q."""
    measure = str(one.measure.item())
    place = int(float(one.value) > float(one["mean"]))
    if measure.startswith(FORGOTTEN):
        words = f"{DIFFERENT['forgetting'][place]} of {measure.removeprefix(FORGOTTEN)}"
    else:
        words = DIFFERENT[measure][place]
    z = f"{float(one.z):+.1f}".replace("-", "−")
    return f"it {words} (z {z}, {p_text(float(one.p_value))}, q = {float(one.q_value):.2g})"


def parts_table(found: xr.Dataset) -> Table:
    """What each part learned and what was forgotten; modules beside their random sets."""
    heads, modules = found["head"].values.tolist(), found.module.values.tolist()
    rows = []
    for number, name in enumerate(found["set"].values.tolist()):
        if name in heads or ", random " in name:
            continue
        one = found.sel({"set": name, "measure": list(MEASURES)})
        rows.append([name, f"{int(found.weights[number]):,}", *_numbers(one)])
        if name in modules:
            rows += _compared(found.sel({"module": name, "measure": list(MEASURES)}))
    early, last = int(found.attrs["early"]), int(found.step[-1])
    columns = ("trained", "weights", f"loss after {early} steps", "steps to half-way",
               f"loss after {last}", "forgotten", "forgotten half-way")  # fmt: skip
    note = (
        f"At step {short_step(int(found.attrs['step']))}, Adam at {found.attrs['rate']:g}, "
        f"{found.attrs['batch_size']} rows a step. Half-way: half of what all weights learn. "
        "Forgotten: rise of the mean loss on the domains of training. ± standard errors over seeds "
        "and rows together. Random sets: mean, and where 95 % of them are; z counts "
        "their standard deviations; p is two-sided, the place of the module among them."
    )
    return Table(f"Parts trained on {found.attrs['domain']} (nats/token)", columns, rows, note)


def _numbers(one: xr.Dataset) -> list[str]:
    return [_shown(float(value), float(error), measure)
            for measure, value, error in zip(one.measure.values, one.value.values,
                                             one.standard_error.values, strict=True)]  # fmt: skip


def _shown(value: float, error: float, measure: str) -> str:
    if not np.isfinite(value):
        return "not reached"
    digits = 1 if measure == "steps" else 3
    spread = f" ± {error:.2g}" if np.isfinite(error) else ""
    return f"{value:.{digits}f}{spread}"


def _compared(one: xr.Dataset) -> list[list[str]]:
    """Rows with the random sets of a module, and its place among them."""
    around, places = [], []
    for measure in one.measure.values:
        here = one.sel(measure=measure)
        digits = 1 if measure == "steps" else 3
        told = [f"{float(here[name]):.{digits}f}" for name in ("mean", "low", "high")]
        known = np.isfinite(float(here["mean"]))
        around.append(f"{told[0]} ({told[1]} to {told[2]})" if known else "not by all")
        z = f"{float(here.z):+.1f}".replace("-", "−") if np.isfinite(float(here.z)) else "–"
        places.append(f"z {z}, {p_text(float(here.p_value))}, q = {float(here.q_value):.2g}")
    number = f"all {int(one.sets)}" if bool(one.exact) else f"{int(one.sets)} random"
    return [[f"  {number} sets like it", "", *around], ["  its place", "", *places]]


def domains_table(found: xr.Dataset) -> Table:
    """What modules make forget of each domain, beside random sets."""
    names = [str(m) for m in found.measure.values if str(m).startswith(FORGOTTEN)]
    rows = []
    for module in found.module.values.tolist():
        one = found.sel({"measure": names, "set": module, "module": module})
        around, places = _compared(found.sel(module=module, measure=names))
        rows += [[module, *_numbers(one)], [around[0], *around[2:]], [places[0], *places[2:]]]
    heads = [name.removeprefix(FORGOTTEN) for name in names]
    note = "As above; q over all measures of a module, those above included."
    return Table("Forgotten of each domain (nats/token)", ("trained", *heads), rows, note)


def relations_table(found: xr.Dataset) -> Table:
    """Whether coefficients on the new text go with what training achieves there."""
    rows = []
    for number in range(found.sizes["row"]):
        one = found.isel(row=number)
        words = (str(one.subject.item()), OUTCOMES[str(one.outcome.item())],
                 PREDICTORS[str(one.against.item())])  # fmt: skip
        remark = str(one.remark.item())
        rows.append([*words, remark or _rank(one), "–" if remark else str(int(one.points))])
    columns = ("of", "what", "against", "ρ (95 %)", "points")
    note = (
        "Spearman's ρ; of sets against the mean over their heads, all before any fine-tuning. On "
        "text that was not trained on the checkpoint is no minimum: an rLLC below zero says how "
        "fast chains learn there. Lesion: rise of the loss without the head. Intervals resample "
        "heads or sets; sets share heads, so that theirs are too narrow."
    )
    title = f"What tells beforehand what training on {found.attrs['domain']} achieves?"
    return Table(title, columns, rows, note)


def _rank(one: xr.Dataset) -> str:
    told = f"{float(one['rank']):.2f} ({float(one.rank_low):.2f} to {float(one.rank_high):.2f})"
    return told.replace("-", "−")
