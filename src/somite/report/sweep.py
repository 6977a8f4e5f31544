"""The page of a sweep: what its factors do at the end of training and at equal loss."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from somite.report.figures.sweep import effects_figure, loss_figure
from somite.report.page import Block, Chart, Prose, Section, Table
from somite.report.writing import fill, write_page
from somite.sweeps.effects import effects, last
from somite.sweeps.matched import at_equal_loss

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {
    "loss": "loss (nats)",
    "total_llc": "sum of LLCs",
    "mean_coupling": "mean coupling |I|",
    "modularity": "modularity Q",
    "modular_z": "modularity, z against chance",
    "cooperating_modular_z": "modularity of −I, z against chance",
    "task_auc": "tasks told apart (AUC)",
    "selectivity": "selectivity for one domain",
    "critical_bits": "critical bits of all weights",
    "damage_noise": "rise of the loss under noise (nats)",
}
"""What is shown, in words, where it was measured; the table has the rest."""
LEVEL = 0.05


def build_sweep(
    table: pd.DataFrame, factors: list[str], title: str, path: str | os.PathLike[str]
) -> tuple[Path, pd.DataFrame]:
    """Write the page, one file that opens offline.

    Args:
        table: Of `somite.sweeps.load_table`.
        factors: Columns that were varied.
        title: What the sweep asks.
        path: Where the file goes.

    Returns:
        The path of the file, and the effects at the end of training.
    """
    made = table[table.failed == ""]
    ends = last(made)
    measures = [
        name for name in MEASURES if name in ends and ends[name].notna().sum() > len(ends) / 2
    ]
    at_end = effects(ends, factors, measures)
    equal = at_equal_loss(made)
    matched = [name for name in measures if name != "loss" and equal[name].notna().all()]
    at_loss = effects(equal, factors, matched) if matched else None
    findings = sentences(at_end, "at the end of training")
    if at_loss is not None:
        findings += sentences(at_loss, f"at a loss of {equal.loss.mean():.3g}")
    page = write_page(path, fill(
        "page.html.j2",
        title=title,
        study="",
        measured=f"{len(ends)} models, of {made.seed.nunique()} seeds.",
        findings=findings,
        sections=[_at_the_end(at_end, measures), *_at_equal_loss(at_loss, made, factors, matched),
                  _models(table, ends, factors, measures)],
        viewers=[],
    ))  # fmt: skip
    return page, at_end


def sentences(found: pd.DataFrame, when: str, most: int = 4) -> list[str]:
    """The surest effects, in words."""
    sure = found[(found.q_value < LEVEL) & (found.measure != "loss")].sort_values("q_value")
    if sure.empty:
        return [f"No effect on a measure is sure {when} (q < {LEVEL:g} over {len(found)} tests)."]
    return [
        f"{said(row.term)}: {MEASURES.get(row.measure, row.measure)} {row.effect:+.3g} {when} "
        f"(95 %: {row.low:.3g} to {row.high:.3g}, q {row.q_value:.1g})."
        for row in sure.head(most).itertuples()
    ]


def said(term: str) -> str:
    """A term of the linear model in words.

    Example:
        >>> said("locality: 0.1 − 0.0"), said("a: 2 − 1 × b: 4 − 3")
        ('locality 0.1 instead of 0.0', 'a 2 instead of 1, more so with b 4 instead of 3')
    """
    words = [
        part.replace(": ", " ", 1).replace(" − ", " instead of ") for part in term.split(" × ")
    ]
    return ", more so with ".join(words)


def shown(measures: Iterable[str]) -> list[str]:
    """Measures in words."""
    return [MEASURES.get(name, name) for name in measures]


def worded(found: pd.DataFrame, broken: bool = False) -> pd.DataFrame:
    """Effects with measures and terms in words, those of pairs in two lines if asked for."""
    measure = shown(found.measure)
    terms = found.term.map(lambda term: said(term).replace(", more", ",<br>more"))
    return found.assign(measure=measure, term=terms if broken else found.term.map(said))


def _at_the_end(found: pd.DataFrame, measures: list[str]) -> Section:
    note = (
        "Difference between a level and the first one, averaged over all other factors; of two "
        "factors, the difference of such differences. Bars: 95 % over seeds. Faint: q of 0.05 or "
        "more."
    )
    chart = Chart(
        "effects",
        "Effects at the end of training",
        note,
        effects_figure(worded(found, broken=True), shown(measures)),
    )
    return Section("end", "At the end of training", "The end", "", (chart, _table(found)))


def _at_equal_loss(
    found: pd.DataFrame | None, table: pd.DataFrame, factors: list[str], measures: list[str]
) -> list[Section]:
    if found is None:
        words = "No measure but the loss was taken at enough checkpoints to compare at equal loss."
        return [Section("equal", "At equal loss", "Equal loss", "", (Prose(words),))]
    note = "The same where each model first had the loss that all of them reach."
    blocks: list[Block] = [
        Chart(
            "equal-effects",
            "Effects at equal loss",
            note,
            effects_figure(worded(found, broken=True), shown(measures)),
        ),
    ]
    for factor in factors:
        note = "A line for each model, along its training from left to right."
        figure = loss_figure(
            table.rename(columns=MEASURES | {"loss": "loss"}), factor, shown(measures)
        )
        blocks.append(Chart(f"loss-{factor}", f"Measures against loss, by {factor}", note, figure))
    return [Section("equal", "At equal loss", "Equal loss", "", blocks)]


def _table(found: pd.DataFrame) -> Table:
    columns = ("measure", "term", "effect", "95 %", "p", "q", "models")
    rows = [
        (r.measure, r.term, f"{r.effect:.3g}", f"{r.low:.3g} to {r.high:.3g}", f"{r.p_value:.2g}",
         f"{r.q_value:.2g}", str(r.n))
        for r in worded(found).itertuples()
    ]  # fmt: skip
    note = "Least squares with seeds as blocks; q by Benjamini and Hochberg over all rows."
    return Table("All effects", columns, rows, note)


def _models(
    table: pd.DataFrame, ends: pd.DataFrame, factors: list[str], measures: list[str]
) -> Section:
    columns = ["model", "seed", *factors, "step", *measures]
    heads = shown(columns)
    rows = [[f"{v:.3g}" if isinstance(v, float) else str(v) for v in row]
            for row in ends[columns].itertuples(index=False)]  # fmt: skip
    failed = table[table.failed != ""]
    lost = [[str(r.model), str(r.seed), r.failed] for r in failed.itertuples()]
    blocks: list[Block] = [Table("Models at the end of training", heads, rows)]
    if lost:
        blocks.append(Table("Models that failed", ("model", "seed", "reason"), lost))
    return Section("models", "Models", "Models", "", blocks)
