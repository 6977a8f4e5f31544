"""What a head does at the end of training, read off its behaviour scores, and when it began.

A head has a role if its highest score at the last checkpoint is at least `CLEAR`. It formed at the
step where that score first passed half way between its first and its last value, linear in
log(step + 1) between checkpoints; a head that was clear from the first checkpoint on, or whose
score fell, was there from the start.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

SCORES = ("previous_token", "induction", "duplicate_token", "current_token", "first_token")
CLEAR = 0.5
NO_ROLE = "no clear role"


@dataclass(frozen=True)
class Role:
    """A head's role: the score that names it, its last value, when it formed (NaN: the start)."""

    head: str
    score: str
    value: float
    formed: float

    @property
    def name(self) -> str:
        """The role in words.

        Example:
            >>> Role("0:1", "previous_token", 0.9, 400.0).name
            'previous-token'
        """
        return score_name(self.score)


def score_name(score: str) -> str:
    """Name of a score for people.

    Example:
        >>> score_name("previous_token")
        'previous-token'
    """
    return score.replace("_", "-")


def scores_in(behavior: xr.Dataset) -> list[str]:
    """The attention scores that were measured."""
    return [name for name in SCORES if name in behavior]


def formed_at(series: xr.DataArray) -> float:
    """Step at which a series over `step` first passes half of its whole rise.

    Returns:
        The step; NaN for a series that is at least `CLEAR` throughout, or that does not rise.

    Example:
        >>> series = xr.DataArray([0.0, 0.0, 1.0], dims="step", coords={"step": [0, 9, 99]})
        >>> round(formed_at(series), 1)
        30.6
    """
    values = series.values.astype(float)
    places = np.log1p(series["step"].values.astype(float))
    change = values[-1] - values[0]
    if not change > 0 or not np.isfinite(change) or (values >= CLEAR).all():
        return float("nan")
    share = (values - values[0]) / change
    at = int(np.argmax(share >= 0.5))
    part = (0.5 - share[at - 1]) / (share[at] - share[at - 1])
    return float(np.expm1(places[at - 1] + part * (places[at] - places[at - 1])))


def roles(behavior: xr.Dataset) -> dict[str, Role]:
    """Role of each head that has a clear one, by head."""
    if not scores_in(behavior):
        return {}
    found = {}
    for head in (str(name) for name in behavior["component"].values):
        role = highest(behavior, head)
        if role.value >= CLEAR:
            found[head] = role
    return found


def highest(behavior: xr.Dataset, head: str) -> Role:
    """The score in which a head ends highest."""
    last = {
        name: float(behavior[name].isel(step=-1).sel(component=head))
        for name in scores_in(behavior)
    }
    score = max(last, key=lambda name: last[name])
    return Role(head, score, last[score], formed_at(behavior[score].sel(component=head)))


def best_head(behavior: xr.Dataset, score: str) -> Role:
    """The head that ends highest in a score."""
    last = behavior[score].isel(step=-1)
    head = str(last["component"].values[int(np.argmax(last.values))])
    return Role(head, score, float(last.max()), formed_at(behavior[score].sel(component=head)))


def other_kind(name: str) -> str:
    """Kind of a component that is no head; empty for a head.

    Example:
        >>> other_kind("0:neurons3"), other_kind("1:mlp"), other_kind("0:1")
        ('neurons', 'mlp', '')
    """
    return name.partition(":")[2].rstrip("0123456789")


def describe_group(members: list[str], known: dict[str, Role]) -> str:
    """What the heads of a group do, in a few words; other components by their kind.

    Example:
        >>> role = Role("0:1", "previous_token", 0.9, 400.0)
        >>> describe_group(["0:1", "0:2", "1:neurons0"], {"0:1": role})
        'previous-token (0:1), neurons (1:neurons0), no clear role (0:2)'
    """
    sorted_heads: dict[str, list[str]] = {}
    for head in members:
        name = known[head].name if head in known else other_kind(head) or NO_ROLE
        sorted_heads.setdefault(name, []).append(head)
    if len(sorted_heads) == 1:
        return next(iter(sorted_heads))
    ordered = sorted(sorted_heads.items(), key=lambda item: item[0] == NO_ROLE)
    return ", ".join(f"{name} ({', '.join(names)})" for name, names in ordered)
