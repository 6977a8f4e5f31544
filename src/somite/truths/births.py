"""When are modules born? Refined profiles at every checkpoint, against the times of learning.

At each checkpoint: the profile of every neuron over the inputs (`input_profiles`), the correlation
of these profiles and groups in it, most neurons being in none at first; the same on resampled
examples.
Through training: `track_modules` and `find_events`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from somite.core.random import stream_seed
from somite.modularity import find_events, track_modules
from somite.modularity.clustering import Labels
from somite.modularity.levels import groups_above
from somite.modularity.series import Array
from somite.sampling.target import tensors
from somite.truths.refined import input_profiles
from somite.truths.truth import GroundTruth

NEAR = 0.35
"""Distance in log(step + 1) at which a birth counts as that of a task."""


@dataclass(frozen=True)
class BirthSettings:
    """How modules are looked for; set on networks of seeds 100 to 105.

    Args:
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center.
        examples: Of each task.
        replicates: Resamplings of the examples.
        alike: Least mean correlation of profiles in a module.
        smallest: Neurons of a module.
        first: Checkpoints before this step are left out.
        window: Checkpoints that a birth must last.
    """

    n_beta: float = 1000.0
    localization: float = 10.0
    examples: int = 128
    replicates: int = 5
    alike: float = 0.8
    smallest: int = 6
    first: int = 20
    window: int = 2


def module_births(
    truth: GroundTruth, inputs: Sequence[int], seed: int, settings: BirthSettings | None = None
) -> tuple[xr.Dataset, xr.Dataset]:
    """Modules at all checkpoints, and the events in their lives.

    Args:
        truth: Of `sparse_parity`.
        inputs: Numbers of the inputs that make up the profiles.
        seed: Of resampling.
        settings: How they are looked for.

    Returns:
        What `track_modules` gives, and what `find_events` gives.
    """
    settings = settings or BirthSettings()
    steps = [step for step in truth.checkpoints if step >= settings.first]
    found = [_labels(truth.at(step), inputs, seed, settings) for step in steps]
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


def _labels(
    truth: GroundTruth, inputs: Sequence[int], seed: int, settings: BirthSettings
) -> Labels:
    """Modules of one checkpoint, then of its replicates (1 + replicate, component).

    A replicate takes the same examples at all checkpoints.
    """
    x = torch.cat([tensors(task.data)[0][: settings.examples] for task in truth.tasks.values()])
    generator = np.random.default_rng(stream_seed("births", seed))
    chances = np.full(len(x), 1 / len(x))
    drawn = generator.multinomial(len(x), chances, settings.replicates).astype(np.float64)
    counts = np.concatenate([np.ones((1, len(x))), drawn])
    scale = (settings.n_beta, settings.localization)
    profiles = input_profiles(truth, x, inputs, counts, scale)
    return np.stack(
        [groups_above(correlations(rows), settings.alike, settings.smallest) for rows in profiles]
    )


def correlations(profiles: Array) -> Array:
    """Correlation of each two rows; −1 with a row whose values are all the same.

    Example:
        >>> correlations(np.array([[0.0, 1.0], [0.0, 2.0], [3.0, 3.0]])).round(9).tolist()
        [[1.0, 1.0, -1.0], [1.0, 1.0, -1.0], [-1.0, -1.0, -1.0]]
    """
    centred = profiles - profiles.mean(1, keepdims=True)
    size = np.linalg.norm(centred, axis=1)
    flat = size <= 1e-12 * np.abs(profiles).max()
    unit = centred / np.where(flat, 1.0, size)[:, None]
    result: Array = np.where(flat[:, None] | flat, -1.0, unit @ unit.T)
    return result
