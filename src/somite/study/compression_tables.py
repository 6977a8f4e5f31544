"""Critical levels and damage over checkpoints, and their relations to learning coefficients."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from somite.components.unions import FULL
from somite.consequences import DISTORTIONS, critical_level, critical_levels, related
from somite.consequences.relation import NUMBERS
from somite.estimators import llc
from somite.estimators.joint import total
from somite.study.analysis import join_steps
from somite.study.results import Results

FIXED = {"quantization": 4.0, "noise": 0.25, "pruning": 0.5, "low_rank": 0.5}
"""Levels at which damage is compared between checkpoints."""
SPOILED = ("dropped", "corrupted", "reversed")
HEADS = "heads"
WHOLE, EACH, ROBUST = "all weights", "components at the end", "damage"
"""Subjects of relations: over checkpoints, over components at the last one, over checkpoints."""


def compression_tables(
    results: Results,
    sampled: Mapping[int, xr.Dataset],
    damaged: Mapping[int, xr.Dataset],
    tolerance: float,
) -> xr.Dataset:
    """All that the report says about compressibility and robustness.

    Args:
        results: Of the run: estimates of its components, losses, modules.
        sampled: By step, draws of all weights together.
        damaged: By step, what `somite.study.compression` measured.
        tolerance: Rise of the loss that all weights together may cause; a component may cause its
            part, one over their number.

    Returns:
        Over (step, component), "full" first: critical levels of each distortion (see
        `critical_levels`; NaN where a component was not spoiled), `llc` and `mcse`. Over step:
        `total_llc` (sum over components) and its error, `loss` (mean over domains), `heads_kept`
        (critical number), `damage_NAME` at the levels of `FIXED`, for dropped heads, corrupted and
        reversed text, each with `_error`; `coupling` and `modularity` where modules were followed.
        Over row: subject, measure, against, given (words), the numbers of
        `somite.consequences.Relation`, and `remark`.
    """
    table = join_steps(
        {step: _at(results, step, sampled[step], damaged[step], tolerance) for step in damaged}
    )
    return xr.merge([table, _relations(table)]).assign_attrs(tolerance=tolerance)


def _at(
    results: Results, step: int, sampled: xr.Dataset, damaged: xr.Dataset, tolerance: float
) -> xr.Dataset:
    """One checkpoint."""
    names = [str(name) for name in damaged.component.values if name != FULL]
    parts = [critical_levels(damaged.sel(component=[FULL]), tolerance, step)]
    if names:
        own_part = tolerance / len(names)
        parts.append(critical_levels(damaged.sel(component=names), own_part, step))
    found = xr.concat(parts, "component", combine_attrs="drop")
    whole = llc(sampled, on_failure="leave out")[["llc", "mcse"]]
    own = results.llc.sel(step=step)[["llc", "mcse"]].drop_vars("step")
    estimates = xr.concat([whole, own], "component", combine_attrs="drop")
    found = xr.merge([found, estimates], join="right", compat="override")
    value, error = total(results.draws(step))
    kept = damaged.heads_kept
    numbers = {
        "total_llc": value,
        "total_llc_error": error,
        "loss": float(results.training.loss.sel(step=step).mean()),
        "heads_kept": float(critical_level(kept.kept.values, kept.values.mean(-1), tolerance)),
    }
    return found.assign(numbers | _damages(damaged) | _modules(results, step)).drop_attrs()


def _damages(damaged: xr.Dataset) -> dict[str, float]:
    """Rises of the loss at fixed levels, with standard errors over rows."""
    parts = {name: damaged[name].values for name in SPOILED}
    for name, level in FIXED.items():
        rises = damaged[name].sel({"component": FULL, f"{name}_level": level}).values
        best = DISTORTIONS[name].best
        parts[name] = rises[rises.mean(-1).argmin()] if best else rises.mean(0)
    found = {}
    for name, rises in parts.items():
        known = rises[np.isfinite(rises)]
        found[f"damage_{name}"] = float(known.mean())
        found[f"damage_{name}_error"] = float(known.std(ddof=1) / len(known) ** 0.5)
    return found


def _modules(results: Results, step: int) -> dict[str, float]:
    """Mean |I| over pairs of heads, and modularity; NaN where modules were not measured."""
    found = results.modules[HEADS].by_step if HEADS in results.modules else {}
    if step not in found:
        return {"coupling": math.nan, "modularity": math.nan}
    pairs = found[step].interaction.values[np.triu_indices(found[step].sizes["component"], 1)]
    redundant = found[step].sel(relation="redundant")
    return {"coupling": float(np.nanmean(np.abs(pairs))),
            "modularity": float(redundant.modularity)}  # fmt: skip


def _relations(table: xr.Dataset) -> xr.Dataset:
    """A row for each relation that is asked about."""
    rows = [_row(*asked) for asked in _asked(table)]
    columns = ("subject", "measure", "against", "given", *NUMBERS, "remark")
    return xr.Dataset({name: ("row", [row[name] for row in rows]) for name in columns})


Named = tuple[str, np.ndarray]
Asked = tuple[str, Named, Named, Named | None]


def _asked(table: xr.Dataset) -> Iterator[Asked]:
    """Subject, y, x, and what is held fixed."""
    whole, loss = table.sel(component=FULL), ("loss", table.loss.values)
    curves = {"LLC of all weights": whole.llc.values, "sum of rLLCs": table.total_llc.values}
    heads = [name for name in table.component.values.tolist() if name != FULL]
    followed = int(table.quantization.sel(component=heads[0]).notnull().sum()) > 1
    critical = {name: whole[name].values for name in DISTORTIONS}
    critical["heads_kept"] = table.heads_kept.values
    for own in critical.items():
        for curve in curves.items():
            for given in (None, loss):
                yield WHOLE, own, curve, given
    at_end = table.isel(step=-1).sel(component=heads)
    for name in DISTORTIONS:
        coefficients = ("rLLC", at_end.llc.values)
        yield EACH, (name, at_end[name].values), coefficients, None
    for head in heads if followed else ():
        one = table.sel(component=head)
        bits, coefficients = one.quantization.values, ("rLLC", one.llc.values)
        yield f"component {head}", ("quantization", bits), coefficients, None
    followed_modules = {name: table[name].values for name in ("coupling", "modularity")}
    curves |= {n: values for n, values in followed_modules.items() if np.isfinite(values).any()}
    for name in (*FIXED, *SPOILED):
        for curve in curves.items():
            rises = (f"damage_{name}", table[f"damage_{name}"].values)
            yield ROBUST, rises, curve, loss


def _row(subject: str, y: Named, x: Named, given: Named | None) -> dict[str, Any]:
    """One relation, in words and numbers."""
    words = {"subject": subject, "measure": y[0], "against": x[0],
             "given": given[0] if given else ""}  # fmt: skip
    return words | related(x[1], y[1], given[1] if given else None)
