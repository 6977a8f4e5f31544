"""Compressibility and robustness: what weights can bear, and whether coefficients tell it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from somite.report.figures.compression import bits_figure, components_figure, series_figure
from somite.report.page import Chart, Section, Table, not_measured
from somite.study.compression_tables import EACH, ROBUST, WHOLE

if TYPE_CHECKING:
    from somite.study.results import Results

KEY, TITLE, SHORT = "compression", "Compressibility and robustness", "Compression"
CRITICAL = {
    "low_rank": "share of the ranks",
    "noise": "size of the noise",
    "pruning": "share of the weights",
    "heads_kept": "heads",
}
DAMAGES = {
    "damage_quantization": "4 bits per weight",
    "damage_noise": "noise of a quarter of the weights",
    "damage_pruning": "half of the weights set to zero",
    "damage_low_rank": "half of the ranks",
    "damage_dropped": "a quarter of the heads withheld",
    "damage_corrupted": "a tenth of the tokens replaced",
    "damage_reversed": "text read backwards",
}
WORDS = {"quantization": "bits", **CRITICAL} | DAMAGES


def section(results: Results) -> Section:
    """Critical levels over training, component by component, and damage."""
    found = results.compression
    if found is None:
        return not_measured(KEY, TITLE, SHORT, "Compressibility (`somite compress`)")
    tolerance = found.attrs["tolerance"]
    bits = Chart(
        "compression-bits",
        "Bits that the weights need",
        "Fewest bits per weight, interpolated, at which the loss has risen by no more than "
        f"{tolerance:g} nats per token: every weight is rounded to the nearest of evenly spaced "
        "values, whose range is the one with the lowest loss. ± 2 standard errors (resampled rows; "
        "chains).",
        bits_figure(found),
    )
    each = Chart(
        "compression-components",
        "Bits that each component needs, at the last checkpoint",
        "The same with one component's weights rounded, all else as it is; its tolerance is "
        "that of the whole divided by the number of components.",
        components_figure(found),
    )
    levels = Chart(
        "compression-levels",
        "Other ways to compress",
        "What is needed at the same tolerance: share of singular directions of each matrix, share "
        "of the weights of largest size, heads when those least missed go first; and how much "
        "noise is borne, as a multiple of the weights' root mean square.",
        series_figure(found, CRITICAL, "needed, or borne"),
    )
    damages = Chart(
        "compression-damage",
        "Robustness: rise of the loss",
        "Of the whole model. Replaced tokens are random; the loss is that of the tokens that were "
        "not replaced. ± 2 standard errors over rows.",
        series_figure(found, DAMAGES, "nats/token"),
    )
    tables = relations_table(found), relations_table(found, damages=True)
    blocks = (bits, each, levels, tables[0], damages, tables[1])
    return Section(KEY, TITLE, SHORT, " ".join(sentences(found)), blocks)


def sentences(found: xr.Dataset) -> list[str]:
    """The relation of bits and coefficients: over checkpoints, and over components."""
    said = []
    asked = (
        (WHOLE, "LLC of all weights", "Over {n} checkpoints"),
        (EACH, "rLLC", "Over {n} components at the last one"),
    )
    for subject, against, where in asked:
        chosen = (found.subject == subject) & (found.measure == "quantization")
        one = found.isel(row=(chosen & (found.against == against) & (found.given == "")).values)
        if one.sizes["row"] and math.isfinite(float(one["rank"][0])):
            one = one.isel(row=0)
            said.append(
                f"{where.format(n=int(one.points))} critical bits and {against} have the rank "
                f"correlation {float(one['rank']):.2f} (95 %: {float(one.rank_low):.2f} to "
                f"{float(one.rank_high):.2f}); a line explains {float(one.r_squared):.0%} "
                f"({float(one.r_squared_low):.0%} to {float(one.r_squared_high):.0%})."
            )
    return said or ["No relation of critical bits to coefficients could be measured."]


def relations_table(found: xr.Dataset, damages: bool = False) -> Table:
    """Relations of critical levels, or of damages, with what they do not hold."""
    rows = []
    for number in np.flatnonzero((found.subject.values == ROBUST) == damages):
        one = found.isel(row=number)
        names = [str(one[name].item()) for name in ("subject", "measure", "against", "given")]
        if one.remark.item():
            numbers = ["–", "–", "–", str(one.remark.item())]
        else:
            numbers = [
                f"{float(one['rank']):.2f}",
                f"{float(one.rank_low):.2f} to {float(one.rank_high):.2f}",
                f"{float(one.r_squared):.2f} "
                f"({float(one.r_squared_low):.2f} to {float(one.r_squared_high):.2f})",
                str(int(one.points)),
            ]
        numbers = [number.replace("-", "−") for number in numbers]
        rows.append([names[0], WORDS.get(names[1], names[1]), *names[2:], *numbers])
    note = (
        "Spearman's ρ; where the loss is held fixed, of ranks from which those of the loss were "
        "taken. R² of a straight line. Intervals resample the points: checkpoints of one run are "
        "not independent of each other, and another seed may differ by more."
    )
    columns = ("of", "what", "against", "held fixed", "ρ", "95 %", "R² (95 %)", "points")
    what = "damage" if damages else "critical levels"
    return Table(f"Relations of {what} to learning coefficients", columns, rows, note)
