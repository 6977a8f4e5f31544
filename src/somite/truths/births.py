"""When are modules born? Interactions at every checkpoint, against the times of learning.

At each checkpoint: Gauss-Newton interactions of the active weights of all neurons whose curvature
is not far below that of the others; modules in them, those kept that hang together more than random
sets of their size; the same in matrices of resampled examples. Through training: `track_modules`
and `find_events`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from somite.components.mask import Mask
from somite.core.random import stream_seed
from somite.curvature import gauss_newton
from somite.modularity import find_events, track_modules
from somite.modularity.clustering import Labels
from somite.modularity.modules import DEFAULT, best_modules
from somite.modularity.nulls.relabeling import random_sets
from somite.modularity.partition import LARGEST
from somite.modularity.series import Array
from somite.modularity.tracking import NOBODY, Members
from somite.theory import gaussian_interactions
from somite.truths.false_positives import pairs_of
from somite.truths.kinds import active
from somite.truths.truth import GroundTruth

NEAR = 0.35
"""Distance in log(step + 1) at which a birth counts as that of a task."""


@dataclass(frozen=True)
class BirthSettings:
    """How modules are looked for; set on networks of seeds from 100 on.

    Args:
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center.
        groups: Parts of the examples that are resampled.
        examples: In each part.
        replicates: Resampled matrices.
        awake: Trace of the curvature below which a neuron is in no module, as a share of that
            which 5 % of the neurons exceed.
        level: Share of the random sets of its size that may hang together as much as a module.
        sets: How many of these.
        first: Checkpoints before this step are left out.
        window: Checkpoints that a birth must last.
        algorithm: As in `find_modules`.
    """

    n_beta: float = 3000.0
    localization: float = 30.0
    groups: int = 5
    examples: int = 128
    replicates: int = 5
    awake: float = 0.2
    level: float = 0.01
    sets: int = 199
    first: int = 30
    window: int = 2
    algorithm: str = DEFAULT


def module_births(
    truth: GroundTruth, seed: int, settings: BirthSettings | None = None
) -> tuple[xr.Dataset, xr.Dataset]:
    """Modules at all checkpoints, and the events in their lives.

    Args:
        truth: Of `sparse_parity`.
        seed: Of resampling and random sets.
        settings: How they are looked for.

    Returns:
        What `track_modules` gives, and what `find_events` gives.
    """
    settings = settings or BirthSettings()
    steps = [step for step in truth.checkpoints if step >= settings.first]
    found = [_labels(truth.at(step), stream_seed("births", seed, step), settings) for step in steps]
    coords = {"step": steps, "component": list(truth.components)}
    labels = xr.DataArray([rows[0] for rows in found], coords, ("step", "component"))
    again = xr.DataArray(
        np.stack([rows[1:] for rows in found], 1), coords, ("replicate", "step", "component")
    )
    return track_modules(labels, settings.window), find_events(labels, again, settings.window)


def judged_births(truth: GroundTruth, tracked: xr.Dataset, events: xr.Dataset) -> xr.Dataset:
    """Births against the times at which the tasks of a truth were learned.

    A task is found if a module is born within `NEAR` of its time in log(step + 1), most of whose
    labelled members, at some checkpoint of the module's life, do that task; each birth counts for
    one task, the nearest. Births that count for none are false.

    Args:
        truth: With times and labels.
        tracked: Modules, from `module_births`.
        events: Likewise.

    Returns:
        dims birth: step, task (that of most members, "" for none), distance (in log(step + 1) to
        its time, NaN for none), right; attributes tasks, found, births, false.
    """
    births = events.isel(event=np.flatnonzero(events.kind.values == "birth"))
    rows, taken = [], set()
    for place in range(births.sizes["event"]):
        one = births.isel(event=place)
        task = _task_of(truth, tracked, int(one.module))
        time = truth.times.get(task, np.nan)
        distance = float(np.log1p(float(one.step)) - np.log1p(time))
        right = abs(distance) <= NEAR and task not in taken
        taken |= {task} if right else set()
        rows.append((float(one.step), task, distance, right))
    names = ("step", "task", "distance", "right")
    columns = {name: ("birth", [row[i] for row in rows]) for i, name in enumerate(names)}
    learned = sum(math.isfinite(time) for time in truth.times.values())
    return xr.Dataset(
        columns,
        attrs={"tasks": learned, "found": len(taken), "births": len(rows),
               "false": len(rows) - len(taken)},
    )  # fmt: skip


def _task_of(truth: GroundTruth, tracked: xr.Dataset, module: int) -> str:
    """The task of most members over the life of a module."""
    lives = (tracked.module == module).sum("step")
    votes: dict[str, int] = {}
    for name in tracked.component.values.tolist():
        if name in truth.labels:
            task = truth.labels[name]
            votes[task] = votes.get(task, 0) + int(lives.sel(component=name))
    best = max(votes, key=votes.__getitem__, default="")
    return best if best and votes[best] > int(lives.sum()) / 2 else ""


def _labels(truth: GroundTruth, seed: int, settings: BirthSettings) -> Labels:
    """Modules of one checkpoint, then of its replicates (1 + replicate, component)."""
    masks = {name: active(truth.model, mask) for name, mask in truth.components.items()}
    parts = [_curvature(truth, masks, group, settings) for group in range(settings.groups)]
    places, matrices = parts[0][1], np.stack([matrix for matrix, _ in parts])
    mean = matrices.mean(0)
    traces = np.array([np.trace(mean[np.ix_(own, own)]) for own in places.values()])
    awake = np.flatnonzero(traces >= settings.awake * np.quantile(traces, 0.95))
    blocks = {name: places[name] for name in np.array(list(places))[awake].tolist()}
    generator = np.random.default_rng(seed)
    weights = [mean, *(
        matrices[generator.integers(len(matrices), size=len(matrices))].mean(0)
        for _ in range(settings.replicates)
    )]  # fmt: skip
    result = np.full((len(weights), len(places)), NOBODY)
    for row, matrix in enumerate(weights):
        found = gaussian_interactions(matrix, blocks, settings.n_beta, settings.localization)
        result[row, awake] = modules_beyond_chance(found.to_numpy(), seed + row, settings)
    return result


def modules_beyond_chance(weights: Array, seed: int, settings: BirthSettings) -> Labels:
    """Labels of the modules that hang together more than random sets do, `NOBODY` elsewhere.

    What holds more than half of the components is what they have in common, no module.

    Args:
        weights: Interactions (component, other).
        seed: Of the random sets.
        settings: Algorithm, level and number of sets.

    Returns:
        Labels (component,).
    """
    labels = best_modules(weights, settings.algorithm, seed, LARGEST)
    result, strata = np.full(len(labels), NOBODY), np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = labels == label
        if not 1 < members.sum() <= len(labels) / 2:
            continue
        sets = random_sets(members, strata, seed, settings.sets)
        null = np.array([_inside(weights, other) for other in sets])
        reached = int((null >= _inside(weights, members)).sum())
        if (reached + 1) / (len(null) + 1) <= settings.level:
            result[members] = label
    return result


def _inside(weights: Array, members: Members) -> float:
    """Mean weight of the pairs of a set."""
    own = weights[np.ix_(members, members)]
    return float((own.sum() - np.trace(own)) / (len(own) * (len(own) - 1)))


def _curvature(
    truth: GroundTruth, masks: dict[str, Mask], group: int, settings: BirthSettings
) -> tuple[Array, dict[str, Sequence[int]]]:
    """Gauss-Newton matrix on one part of the examples, and where the neurons are in it."""
    rows = slice(group * settings.examples, (group + 1) * settings.examples)
    found = gauss_newton(truth.model, _logits, pairs_of(truth)[0][rows], masks, "logits")
    return found.matrix.numpy(), dict(found.places)


def _logits(model: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = model(x)
    return found
