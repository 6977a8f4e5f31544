"""Events in the life of modules: birth, death, split, merge, growth, shrink."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.modularity.clustering import Labels
from somite.modularity.series import Array
from somite.modularity.tracking import (
    NOBODY,
    WINDOW,
    Members,
    check_labels,
    follow,
    jaccard,
)

PART = 0.5  # share of a module that makes it part of another
SUPPORT = 0.8  # least share of the replicates that see an event too
SAME = 0.5  # least Jaccard similarity of the modules of one event in two replicates
NEAR = 1  # checkpoints by which one event may differ between replicates


@dataclass(frozen=True, eq=False)
class Event:
    """Something that happened to a module.

    Args:
        kind: birth, death, split, merge, growth or shrink.
        place: Number of the first checkpoint after it.
        module: Identity of the module that was born, died, was split off, was merged into another,
            grew or shrank.
        other: The module split, or merged into; −1 for none.
        members: Who it happened to: the module itself, for a merge the joint one, for a split the
            one that was split.
        sizes: Components of the module before and after.
    """

    kind: str
    place: int
    module: int
    other: int
    members: Members
    sizes: tuple[int, int]


def find_events(
    labels: xr.DataArray,
    replicates: xr.DataArray,
    window: int = WINDOW,
    least_support: float = SUPPORT,
) -> xr.Dataset:
    """Events that last over `window` checkpoints and are found again in resampled partitions.

    With the identities of `track_modules` and the rule that A is part of B where at least half of A
    is in B (Palla et al. 2007, Greene et al. 2010):

    - birth: a new module, part of no module before; there for `window` checkpoints;
    - death: a module that had been there for `window` checkpoints, part of none after, and is away
      for as many;
    - split: a new module that lasts and is part of one before, which has another part that lasts,
      the two holding at least half of it;
    - merge: an ended module that is part of one after, of which another module before is part as
      well, the two holding at least half of it;
    - growth, shrink: `window` sizes in a row that are all larger, or smaller, than the `window`
      before, where the module neither merged nor split.

    Changes within `window` checkpoints of either end cannot be told to last and are not reported.
    Support is the share of the replicates with an event of the same kind, at most one checkpoint
    away, of a module with Jaccard similarity of at least 0.5. Without it noise makes events.

    Args:
        labels: Partition of each checkpoint; dims (step, component), as in `track_modules`.
        replicates: Partitions from resampled matrices; dims (replicate, step, component).
        window: Checkpoints that a change must last, at least 2.
        least_support: Events with less support are left out.

    Returns:
        dims event, in the order of time: kind, step (the first checkpoint after it), module, other
        (−1 for none), size_before, size_after, support.

    Raises:
        InputError: If labels are unfit, or replicates do not match them.
    """
    rows, steps = check_labels(labels)
    at_least("window", window, 2, "Use 2.")
    again = [list(detect(each, window)) for each in _check_replicates(replicates, labels)]
    found = sorted(detect(rows, window), key=lambda event: (event.place, event.module))
    seen = [[_again(event, each) for each in again] for event in found]
    support = np.array([np.mean(each) for each in seen], dtype=np.float64)
    kept = [i for i, share in enumerate(support) if share >= least_support]
    return _table([found[i] for i in kept], support[kept], steps)


def detect(labels: Labels, window: int) -> Iterator[Event]:
    """Events in labels (step, component), whatever their support."""
    modules = follow(labels, window)
    count = int(modules.max()) + 1
    lives = modules[:, None, :] == np.arange(count)[:, None]  # (step, identity, component)
    for place in range(1, len(lives)):
        yield from _at(lives, place, window)


def _at(lives: Members, place: int, window: int) -> Iterator[Event]:
    sizes = lives.sum(-1)  # (step, identity)
    there = sizes > 0
    lasting = there[place : place + window].all(0) & (place + window <= len(lives))
    settled = (
        there[place - window : place].all(0) if place >= window else np.zeros(len(lasting), bool)
    )
    gone = ~there[place : place + window].any(0) & (place + window <= len(lives))
    fresh = lasting & ~there[:place].any(0)
    busy = set()
    for module in np.flatnonzero(fresh):
        event = _begun(lives, place, int(module), lasting)
        if event is not None:
            busy.add(event.other)
            yield event
    for module in np.flatnonzero(settled & gone):
        event = _ended(lives, place, int(module), lasting)
        if event is not None:
            busy.add(event.other)
            yield event
    for module in np.flatnonzero(settled & lasting):
        before, after = sizes[place - window : place, module], sizes[place : place + window, module]
        kind = "growth" if after.min() > before.max() else "shrink"
        if module not in busy and (after.min() > before.max() or after.max() < before.min()):
            pair = int(before[-1]), int(after[0])
            yield Event(kind, place, int(module), NOBODY, lives[place, module], pair)


def _begun(lives: Members, place: int, module: int, lasting: Members) -> Event | None:
    """Birth or split, or neither for what is left of a module that fell apart."""
    before, after = lives[place - 1], lives[place]
    members = after[module]
    share = _share(members, before)
    if (share < PART).all():
        return Event("birth", place, module, NOBODY, members, (0, int(members.sum())))
    parent = int(share.argmax())
    whole = before[parent]
    for sibling in np.flatnonzero(lasting):
        if sibling == module or _share(after[sibling], whole[None])[0] < PART:
            continue
        if ((members | after[sibling]) & whole).sum() >= PART * whole.sum():
            pair = int(whole.sum()), int(members.sum())
            return Event("split", place, module, parent, whole, pair)
    return None


def _ended(lives: Members, place: int, module: int, lasting: Members) -> Event | None:
    """Death or merge, or neither for a module that lives on beyond recognition."""
    before, after = lives[place - 1], lives[place]
    members = before[module]
    share = _share(members, after)
    if (share < PART).all():
        return Event("death", place, module, NOBODY, members, (int(members.sum()), 0))
    into = int(share.argmax())
    whole = after[into]
    others = [i for i in np.flatnonzero(before.any(1)) if i != module and lasting[into]]
    for other in others:
        joint = ((members | before[other]) & whole).sum() >= PART * whole.sum()
        if joint and _share(before[other], whole[None])[0] >= PART:
            pair = int(members.sum()), int(whole.sum())
            return Event("merge", place, module, into, whole, pair)
    return None


def _share(members: Members, others: Members) -> Array:
    """Share of a set that is in each of the others (set, component)."""
    result: Array = (members & others).sum(1) / max(1, int(members.sum()))
    return result


def _again(event: Event, others: list[Event]) -> bool:
    near = [o for o in others if o.kind == event.kind and abs(o.place - event.place) <= NEAR]
    if not near:
        return False
    sets = np.stack([o.members for o in near])
    return bool(jaccard(event.members[None], sets).max() >= SAME)


def _table(events: list[Event], support: Array, steps: Array) -> xr.Dataset:
    columns = {
        "kind": [e.kind for e in events],
        "step": [float(steps[e.place]) for e in events],
        "module": [e.module for e in events],
        "other": [e.other for e in events],
        "size_before": [e.sizes[0] for e in events],
        "size_after": [e.sizes[1] for e in events],
        "support": support,
    }
    return xr.Dataset({name: ("event", values) for name, values in columns.items()})


def _check_replicates(replicates: xr.DataArray, labels: xr.DataArray) -> Labels:
    if set(replicates.dims) != {"replicate", "step", "component"}:
        rule = "must have the dims replicate, step, component"
        raise InputError("replicates", rule, replicates.dims, "Partition resampled matrices.")
    at_least("replicates", replicates.sizes["replicate"], 2, "Resample 100 times.")
    ordered = replicates.transpose("replicate", "step", "component")
    expected = (labels.sizes["step"], labels.sizes["component"])
    if ordered.shape[1:] != expected:
        rule = f"must hold {expected[0]} steps and {expected[1]} components, as labels"
        raise InputError("replicates", rule, ordered.shape[1:], "Resample the same partitions.")
    if ordered.dtype.kind not in "iu":
        rule, remedy = "must be whole numbers", "Use -1 for a component in no module."
        raise InputError("replicates", rule, str(ordered.dtype), remedy)
    return ordered.to_numpy().astype(np.int64)
