"""Sentences made from the numbers: who became what, which stages, whether the views agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from somite.estimators.verdict import GOOD
from somite.report.reading import (
    boundaries,
    components_of,
    failed_chains,
    heads,
    main_view,
    stage_spans,
    steps,
    tracked,
    views,
)
from somite.report.roles import CLEAR, Role, best_head, highest, roles, score_name, scores_in
from somite.report.words import plural

if TYPE_CHECKING:
    from somite.study.results import Results

SIGNIFICANT = 0.05
GOOD_R_HAT = 1.05
MOST_NAMED = 3
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def findings(results: Results) -> list[str]:
    """Sentences: heads that became something, stages, agreement of groups and behaviour."""
    if tracked(results):
        return [stages_sentence(results)]
    return [heads_sentence(results), stages_sentence(results), agreement_sentence(results)]


def heads_sentence(results: Results) -> str:
    """Which heads became previous-token and induction heads, and when."""
    wanted = [
        name for name in ("previous_token", "induction") if name in scores_in(results.behavior)
    ]
    clauses = [_role_clause(results.behavior, score) for score in wanted]
    return " ".join(clauses) or "What the heads do was not measured."


def _role_clause(behavior: xr.Dataset, score: str) -> str:
    """Sentence on the heads of one role."""
    holders = [role for role in roles(behavior).values() if role.score == score]
    if not holders:
        return _no_holder(behavior, best_head(behavior, score))
    holders.sort(key=lambda role: -role.value)
    listed = ", ".join(_holder(role) for role in holders[:MOST_NAMED])
    more = f" and {len(holders) - MOST_NAMED} more" if len(holders) > MOST_NAMED else ""
    noun = f"{score_name(score)} head{'' if len(holders) == 1 else 's'}"
    return f"{noun.capitalize()}: {listed}{more}."


def _no_holder(behavior: xr.Dataset, best: Role) -> str:
    """Why no head has a role: no score is high enough, or its heads are more of something else."""
    name = score_name(best.score)
    if best.value < CLEAR:
        return (
            f"No clear {name} head formed: the highest score is {best.value:.2f} "
            f"(head {best.head}), {CLEAR:g} is asked."
        )
    other = highest(behavior, best.head)
    return (
        f"No head is foremost {name}: the highest {name} score is {best.value:.2f} "
        f"(head {best.head}), but that head scores {_above(other, best)} as {other.name} "
        f"({other.value:.2f})."
    )


def _above(other: Role, best: Role) -> str:
    """How another score of a head compares with its best one; equal ones are possible."""
    return "higher" if other.value > best.value else "equally"


def _holder(role: Role) -> str:
    """A head, when it formed, and how clear its role is."""
    when = f"formed around step {role.formed:.0f}" if np.isfinite(role.formed) else "from the start"
    return f"{role.head}, {when} (score {role.value:.2f})"


def number_word(count: int) -> str:
    """Small numbers in words.

    Example:
        >>> number_word(3), number_word(12)
        ('three', '12')
    """
    return NUMBER_WORDS[count] if count < len(NUMBER_WORDS) else str(count)


def stages_sentence(results: Results) -> str:
    """How many stages there are, and where they meet."""
    found = boundaries(results)
    if results.stages.sizes["k"] <= 1:
        return (
            "No boundaries between stages were looked for: there were too few checkpoints, or the "
            "recipe allows none."
        )
    if not found:
        return "The rLLC curves show one stage only: no boundary is worth its parameters (BIC)."
    count = number_word(len(stage_spans(results)))
    listed = [f"{b.step:.0f} [{b.low:.0f}, {b.high:.0f}]" for b in found]
    joined = listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
    plural = "boundary" if len(listed) == 1 else "boundaries"
    return (
        f"Training falls into {count} stages, with the {plural} at step {joined} (95 % intervals)."
    )


def agreement_sentence(results: Results) -> str:
    """Whether groups by rLLC curves agree with groups by behaviour, said either way."""
    groups = results.groups
    if "behavior" not in views(groups):
        return (
            "Groups by behaviour of all components were not measured: rLLC groups have nothing to "
            "agree with."
        )
    pair = {"view": main_view(groups), "view_other": "behavior"}
    ari, p_value = float(groups["ari"].sel(pair)), float(groups["p_value"].sel(pair))
    numbers = f"ARI {ari:.2f}, {p_text(p_value)} by permutation within layers"
    if not np.isfinite(p_value) or not np.isfinite(ari):
        return "Agreement of rLLC groups and behaviour groups could not be computed."
    if p_value >= SIGNIFICANT:
        return (
            f"Groups by rLLC curves do not agree with what the heads do beyond chance ({numbers})."
        )
    degree = "closely" if ari >= 0.65 else "partly" if ari >= 0.25 else "only weakly"
    return f"Groups by rLLC curves agree {degree} with what the heads do ({numbers})."


def p_text(p_value: float) -> str:
    """A p-value in words.

    Example:
        >>> p_text(0.0001), p_text(0.034)
        ('p < 0.001', 'p = 0.034')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"


def measured_line(results: Results) -> str:
    """What was measured, in a line."""
    llc = results.llc
    chains, draws = llc.attrs.get("chains", "?"), llc.attrs.get("draws", "?")
    kinds = plural(components_of(results))
    return (
        f"Refined local learning coefficient (rLLC) of {len(heads(results))} {kinds} at "
        f"{len(steps(results))} checkpoints, steps {steps(results)[0]} to {steps(results)[-1]}; "
        f"{chains} chains × {draws} draws in each cell."
    )


def quality(results: Results) -> list[tuple[str, str]]:
    """How far the numbers can be trusted: pairs of a figure and what it says."""
    llc = results.llc
    last = llc.isel(step=-1)
    error = float(last["mcse"].median() / last["llc"].mean())
    good = llc["verdict"] == GOOD
    share, at_last = (_never_up(float(part.mean())) for part in (good, good.isel(step=-1)))
    failed = failed_chains(results)
    return [
        (f"{error:.1%}", "median MCSE over mean rLLC, last checkpoint"),
        (
            share,
            f"of cells have chains that are good by their verdict ({at_last} at the last "
            "checkpoint)",
        ),
        (str(failed), "chains failed" if failed != 1 else "chain failed"),
    ]


def _never_up(share: float) -> str:
    """Per cent, cut and not rounded: 415 of 416 is not 100 %."""
    return f"{math.floor(100 * share)}%"
