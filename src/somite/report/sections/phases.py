"""What modularity does in each phase of learning, in words and in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from somite.report.page import Block, Prose, Table

if TYPE_CHECKING:
    from somite.study.results import Results

LEVEL = 0.05


def phases_blocks(results: Results, through: xr.Dataset) -> list[Block]:
    """What modularity does in each phase of learning: in words, then in a table."""
    if "phase" not in through:
        note = through.attrs["phases_note"]
        return [Prose(f"Phases of learning are not told apart: {note}")]
    return [Prose(phases_sentences(results, through)), phases_table(results, through)]


def phases_sentences(results: Results, through: xr.Dataset) -> str:
    """What modularity does in each phase of learning, with its numbers.

    It rises or falls where its change is beyond twice its bootstrap error; checkpoints have
    minibatches and noise of their own, so that their errors add in squares.
    """
    kind, phases = through.attrs["relation"].capitalize(), through.phase_name.values
    said = " ".join(_phase_sentence(results, through, str(name)) for name in phases)
    return f"{kind} modules in each phase of learning. {said}"


def _phase_sentence(results: Results, through: xr.Dataset, phase: str) -> str:
    ends, inside = _ends(through, phase), through.sel(step=(through.phase == phase).values)
    if np.isnan(ends[0]):
        return f"{phase.capitalize()}: no checkpoint."
    loss = results.training.loss.mean("domain").sel(step=ends).values
    when = f"steps {ends[0]:,.0f} to {ends[1]:,.0f}, loss {loss[0]:.2f} to {loss[1]:.2f}"
    opening, count = f"{phase.capitalize()} ({when})", inside.sizes["step"]
    if not count:
        return f"{opening}: no modules measured."
    beyond = int((inside.q_value < LEVEL).sum())
    chance = f"more than chance at {beyond} of {count} checkpoint{'' if count == 1 else 's'}"
    events = _events_in(through, ends)
    closing = f"{events or 'no'} event{'' if events == 1 else 's'}"
    return f"{opening}: modularity above chance {_course(inside)}; {chance}; {closing}."


def _course(inside: xr.Dataset) -> str:
    """What modularity above chance does over some checkpoints, in words."""
    above, sd = (inside.modularity - inside.null_mean).values, inside.modularity_sd.values
    first, last = (f"{above[i]:+.2f} ± {sd[i]:.2f}" for i in (0, -1))
    if len(above) == 1:
        return f"is {first}, at one checkpoint"
    change, error = above[-1] - above[0], float(np.hypot(sd[0], sd[-1]))
    if abs(change) <= 2 * error:
        return f"does not change beyond its error ({first} to {last})"
    return f"{'rises' if change > 0 else 'falls'} from {first} to {last}"


def _ends(through: xr.Dataset, phase: str) -> list[float]:
    """First and last step of a phase."""
    one = through.sel(phase_name=phase)
    return [float(one[f"phase_{end}"]) for end in ("first_step", "last_step")]


def _events_in(through: xr.Dataset, ends: list[float]) -> int:
    """Number of events between two steps."""
    if "event_step" not in through:
        return 0
    at = through.event_step.values
    return int(((at >= ends[0]) & (at <= ends[1])).sum())


def phases_table(results: Results, through: xr.Dataset) -> Table:
    """Loss and modularity in each phase of learning."""
    loss = results.training.loss.mean("domain")
    rows = []
    for name in (str(name) for name in through.phase_name.values):
        ends = _ends(through, name)
        if np.isnan(ends[0]):
            rows.append([name, "no checkpoint", *["–"] * 5])
            continue
        falls = " → ".join(f"{float(loss.sel(step=end)):.2f}" for end in ends)
        span = " to ".join(f"{end:,.0f}" for end in ends)
        rows.append([name, span, falls, *_modularity(through, name, ends)])
    note = (
        "Phases by the share of the fall of the loss (validation, mean over domains) that is done: "
        "60 % ends the first, 95 % the second; a convention, no finding. Modularity above chance: "
        "Q less its mean on matrices without modules, at the first and last checkpoint measured."
    )
    columns = (
        *("phase", "steps", "loss (nats/token)", "modularity above chance"),
        *("beyond chance", "pairs that interact", "events"),
    )
    kind = through.attrs["relation"].capitalize()
    return Table(f"{kind} modules in each phase of learning", columns, rows, note)


def _modularity(through: xr.Dataset, phase: str, ends: list[float]) -> list[str]:
    inside = through.sel(step=(through.phase == phase).values)
    count = inside.sizes["step"]
    if not count:
        return ["no modules measured", "–", "–", "–"]
    edges = [0] if count == 1 else [0, -1]
    above = (inside.modularity - inside.null_mean).values[edges]
    pairs = inside.significant.values[edges]
    return [
        " → ".join(f"{value:+.2f}" for value in above),
        f"{int((inside.q_value < LEVEL).sum())} of {count} checkpoints",
        " → ".join(str(int(value)) for value in pairs),
        str(_events_in(through, ends) or "none"),
    ]
