"""Identity of modules through training: partitions of successive checkpoints, matched."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.modularity.clustering import Labels
from somite.modularity.series import Array, check_steps

CONTINUES = 0.3  # least Jaccard similarity of a module to what it was before
SMALLEST = 2  # components of a module
WINDOW = 2  # checkpoints over which a change must last
NOBODY = -1  # a component in no module
Members = NDArray[np.bool_]


def track_modules(labels: xr.DataArray, window: int = WINDOW) -> xr.Dataset:
    """Follow modules from checkpoint to checkpoint.

    The modules of a checkpoint are matched with those known before so that the sum of Jaccard
    similarities |A and B|/|A or B| is largest (Hungarian method; Greene et al. 2010); matches below
    0.3 are none, and such a module is new. A module that is away for fewer than `window`
    checkpoints and comes back is the same one.

    Args:
        labels: Partition of each checkpoint; dims (step, component), whole numbers, below zero for
            a component in no module. Components alone are in no module either.
        window: Checkpoints that a module may not miss, at least 1.

    Returns:
        dims (step, component): module, its identity 0, 1, … by first appearance, or −1; dims
        identity: first_step, last_step, checkpoints (how many it is seen at).

    Raises:
        InputError: If dims or steps are wrong, or labels are no whole numbers.

    Example:
        >>> rows = [[0, 0, 1, 1], [5, 5, 2, 2]]
        >>> many = xr.DataArray(rows, {"step": [0, 10]}, ("step", "component"))
        >>> track_modules(many).module.values.tolist()
        [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    rows, steps = check_labels(labels)
    at_least("window", window, 1, "Use 2.")
    modules = follow(rows, window)
    count = int(modules.max()) + 1
    seen = np.array([(modules == i).any(1) for i in range(count)]).reshape(count, len(rows))
    first, last = seen.argmax(1), len(rows) - 1 - seen[:, ::-1].argmax(1)
    variables = {
        "module": (("step", "component"), modules),
        "first_step": ("identity", steps[first]),
        "last_step": ("identity", steps[last]),
        "checkpoints": ("identity", seen.sum(1)),
    }
    names = labels["component"].to_numpy()
    return xr.Dataset(variables, {"step": labels.step.to_numpy(), "component": names})


def check_labels(labels: xr.DataArray) -> tuple[Labels, Array]:
    """Labels (step, component) and steps.

    Raises:
        InputError: If dims or steps are wrong, or labels are no whole numbers.
    """
    if set(labels.dims) != {"step", "component"}:
        rule = "must have the dims step, component"
        raise InputError("labels", rule, labels.dims, "Stack the partitions of the checkpoints.")
    steps = check_steps("labels", labels)
    if labels.dtype.kind not in "iu":
        rule, remedy = "must be whole numbers", "Use -1 for a component in no module."
        raise InputError("labels", rule, str(labels.dtype), remedy)
    return labels.transpose("step", "component").to_numpy().astype(np.int64), steps


def follow(labels: Labels, window: int = WINDOW) -> Labels:
    """Identities (step, component) of the modules in labels (step, component)."""
    known: dict[int, tuple[int, Members]] = {}  # last checkpoint and members by identity
    result = np.full_like(labels, NOBODY)
    for step, row in enumerate(labels):
        present = members_of(row)
        alive = [i for i, (seen, _) in known.items() if step - seen <= window]
        before = np.stack([known[i][1] for i in alive]) if alive else present[:0]
        matched = match(before, present)
        for place, members in enumerate(present):
            identity = alive[matched[place]] if place in matched else len(known)
            known[identity] = (step, members)
            result[step, members] = identity
    return result


def match(before: Members, after: Members) -> dict[int, int]:
    """For each set of `after` the set of `before` that it continues, where there is one.

    Example:
        >>> match(np.array([[True, True, False]]), np.array([[False, False, True], [True] * 3]))
        {1: 0}
    """
    similar = jaccard(before, after)
    old, new = linear_sum_assignment(-similar)
    pairs = zip(old.tolist(), new.tolist(), strict=True)
    return {b: a for a, b in pairs if similar[a, b] >= CONTINUES}


def jaccard(before: Members, after: Members) -> Array:
    """Jaccard similarity of each set of `before` to each of `after` (set, component)."""
    shared = before.astype(np.float64) @ after.T.astype(np.float64)
    union = before.sum(1)[:, None] + after.sum(1)[None, :] - shared
    similar: Array = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return similar


def members_of(labels: Labels) -> Members:
    """Sets of the modules (module, component) with two components or more."""
    found = [labels == i for i in np.unique(labels[labels >= 0])]
    large = [members for members in found if members.sum() >= SMALLEST]
    return np.array(large, dtype=np.bool_).reshape(len(large), len(labels))
