"""Modules through training: who moved where, whether it is more than chance, what came first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from somite.report.figures.alluvial import alluvial_figure, module_name
from somite.report.figures.modularity import agreement_figure, modularity_figure
from somite.report.figures.raster import raster_figure
from somite.report.findings import p_text
from somite.report.page import Block, Chart, Table
from somite.report.sections.phases import LEVEL, phases_blocks

if TYPE_CHECKING:
    from somite.study.results import Results

WEIGHTS = {"redundant": "I", "cooperating": "−I"}
"""What joins the components of a kind of modules."""
METHODS = {
    "composition": "composition of weights",
    "cka": "similarity of activations (CKA)",
    "attribution_correlation": "correlation of attributions",
}
WORDS = {
    "birth": "{module} is born",
    "death": "{module} ends",
    "split": "{module} splits off from {other}",
    "merge": "{module} merges into {other}",
    "growth": "{module} grows",
    "shrink": "{module} shrinks",
}


def blocks(results: Results, through: xr.Dataset, key: str = "modules") -> list[Block]:
    """Figures and tables of one kind of modules through time; `key` begins the names of figures."""
    relation, phases = through.attrs["relation"], phases_blocks(results, through)
    curve = Chart(
        f"{key}-curve-{relation}",
        f"Are there {relation} modules, and when",
        "Signed modularity of the best partition, ± 2 bootstrap errors. Grey: what the same search "
        "finds in the same interactions dealt out anew within layers and types. Full dots: more "
        "than chance (q < 0.05 over the checkpoints and both kinds of modules); open dots: no more "
        "than chance. Stages as above.",
        modularity_figure(results, through, LEVEL),
    )
    flow = Chart(
        f"{key}-flow-{relation}",
        f"{relation.capitalize()} modules through training",
        "A block is a module, as high as it has components; ribbons show where they go. Colour and "
        "number stay with a module. Partitions are drawn at every checkpoint, also where the curve "
        "above says that they are no more than chance.",
        alluvial_figure(through.module),
    )
    raster = Chart(
        f"{key}-raster-{relation}",
        f"{relation.capitalize()} module of each component",
        "The same by component. –: in no module of two components or more.",
        raster_figure(through.module),
    )
    tables = events_table(through), leads_table(through), *phases[1:]
    agreement = [_agreement(results, through, key)] if "ari" in through else []
    return [curve, phases[0], flow, raster, *tables, *agreement]


def sentence(through: xr.Dataset) -> str:
    """At how many checkpoints there is more than chance, and how many events are sure."""
    beyond, count = int((through.q_value < LEVEL).sum()), through.sizes["step"]
    events = through.sizes.get("event", 0)
    noun = "event" if events == 1 else "events"
    return (
        f"{through.attrs['relation'].capitalize()} modules are more than chance at {beyond} of "
        f"{count} checkpoints (q < {LEVEL:g}); {events or 'no'} {noun} in their life last and are "
        "supported by resampling."
    )


def events_table(through: xr.Dataset) -> Table:
    """What happened to modules, when, and how surely."""
    rows = []
    for i in range(through.sizes.get("event", 0)):
        one = through.isel(event=i)
        module, other = (module_name(int(one[f"event_{name}"])) for name in ("module", "other"))
        said = WORDS[str(one.event_kind.item())].format(module=module, other=other)
        sizes = f"{int(one.event_size_before)} → {int(one.event_size_after)}"
        chance = p_text(_q_at(through, float(one.event_step))).replace("p", "q", 1)
        cells = [f"{float(one.event_step):,.0f}", said, sizes]
        rows.append([*cells, f"{float(one.event_support):.0%}", chance])
    note = (
        "Step: the first checkpoint after it. Only what lasts over two checkpoints before and "
        "after and is found again, at most a checkpoint away, in 80 % of the partitions of "
        "resampled chains and draws (support). Modularity: whether that checkpoint is modular."
    )
    columns = ("step", "event", "components", "support", "modularity there")
    return Table(
        f"Events of {through.attrs['relation']} modules",
        columns,
        rows or [["none", "–", "–", "–", "–"]],
        note,
    )


def _q_at(through: xr.Dataset, step: float) -> float:
    return float(through.q_value.sel(step=step))


def leads_table(through: xr.Dataset) -> Table:
    """What changes first."""
    rows = []
    for i in range(through.sizes["lead"]):
        one = through.isel(lead=i)
        forms, against = str(one.lead_forms.item()), str(one.lead_against.item())
        remark = str(one.lead_remark.item())
        rows.append([forms, against, *([remark, *["–"] * 5] if remark else _lead(one))])
    note = (
        "Half-way: where a curve is half through its change between the first and the last "
        "checkpoint of the modules (isotonic fit, interpolated between checkpoints). Lag in "
        "log(step + 1); above zero: the module forms first. Interval and p: bootstrap of the "
        "interactions over chains and draws; the curves of loss and behaviour count as exact. q: p "
        f"adjusted for the rows. Modules: mean {WEIGHTS[through.attrs['relation']]} inside less "
        "that with all others."
    )
    columns = ("what forms", "against", "half-way (steps)", "lag", "95 %", "p", "q", "first")
    return Table(f"What comes first: {through.attrs['relation']} modules", columns, rows, note)


def _lead(one: xr.Dataset) -> list[str]:
    first, second, lag, low, high, p_value, q_value = (
        float(one[f"lead_{name}"])
        for name in ("first_step", "second_step", "lag", "low", "high", "p_value", "q_value")
    )
    known = str((one.lead_forms if lag > 0 else one.lead_against).item())
    return [
        f"{first:.0f} and {second:.0f}",
        f"{lag:+.2f}",
        f"{low:+.2f} to {high:+.2f}",
        f"{p_value:.2g}",
        f"{q_value:.2g}",
        known if q_value < LEVEL else "cannot be told",
    ]


def _agreement(results: Results, through: xr.Dataset, key: str) -> Chart:
    relation = through.attrs["relation"]
    return Chart(
        f"{key}-agreement-{relation}",
        f"Do other methods find the same {relation} modules",
        "Adjusted Rand index of the modules of each method with ours: 1 the same, 0 (dotted) as "
        "chance. Full dots: p < 0.05, heads shuffled within layers, each checkpoint by itself.",
        agreement_figure(results, through, METHODS, LEVEL),
    )
