"""Susceptibilities of the components of a ground truth to the examples of its tasks."""

import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from torch.utils._pytree import tree_map

from somite.baselines.arrays import component_names, matrix_between, require_active
from somite.core.errors import InputError
from somite.response import susceptibility
from somite.sampling import BAOAB, Observable, Record, Target, recorded, sample
from somite.sampling.draws import REFERENCE
from somite.sampling.target import Data, n_examples
from somite.truths.interactions import LOCALIZATION, N_BETA, STEP, curvature_root
from somite.truths.truth import GroundTruth, Task

CHAINS, BURN_IN, DRAWS = 2, 40, 60
EXAMPLES = 24
"""Of each task, evenly over its data."""
LEAST_TASKS = 2


def task_susceptibilities(truth: GroundTruth, seed: int = 0) -> xr.DataArray:
    """χ of every component to examples of every task, each by the loss of its task.

    The observable is the component's own mean loss on the data of the truth. All weights of its
    mask move: the active ones alone may be so sure that the loss does not change at all. Chains
    take full gradients, with a step that suits the stiffest direction of the curvature.

    Args:
        truth: With at least two tasks.
        seed: Of the chains.

    Returns:
        Dims (component, example), with `mcse`, `task` and `variance`, that of the observable, as
        coordinates.

    Raises:
        InputError: If the truth has fewer tasks.
    """
    if len(truth.tasks) < LEAST_TASKS:
        rule, remedy = f"must have at least {LEAST_TASKS} tasks", "Take another truth."
        raise InputError("truth", rule, list(truth.tasks), remedy)
    observables = {name: _observable(task) for name, task in truth.tasks.items()}
    highest = N_BETA * curvature_root(truth, only_active=False).highest + LOCALIZATION
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "losses"
        draws = sample(
            truth.model,
            Target(truth.loss, truth.data, N_BETA, LOCALIZATION),
            BAOAB(STEP / highest**0.5, 2 * LOCALIZATION**0.5),
            components=dict(truth.components),
            batch_size=None,
            chains=CHAINS,
            burn_in=BURN_IN,
            draws=DRAWS,
            probe_every=1,
            probes={REFERENCE: truth.data, **observables},
            record=Record(store, dict.fromkeys(observables, "example")),
            seed=seed,
        )
        found = [_to_task(draws, store, name) for name in observables]
    together = xr.concat(found, "example")
    level = draws.probe_loss.sel(probe=REFERENCE, drop=True)
    variance = level.var(("chain", "probe_draw"), ddof=1)
    return together["susceptibility"].assign_coords(mcse=together["mcse"], variance=variance)


def response(truth: GroundTruth) -> xr.DataArray:
    """Whether components answer to the same tasks: cosine of r_Ct = √ mean_i (Cov[φ, L_i])².

    The mean is over the examples i of task t, and −Cov[φ, L_i] = χ_i − Var φ the plain answer: a
    head does not answer to a task that it has no part in, while χ, from which the mean loss of all
    tasks is taken, says that it does. Heads of one module answer to different examples of its
    task, in either direction: their answers to single examples need not correlate.

    Returns:
        Dims (component, other), from 0 to 1.
    """
    found = task_susceptibilities(truth)
    squares = ((found - found.variance) ** 2).groupby("task").mean()
    profiles = (squares**0.5).transpose("component", "task").values
    require_active("susceptibilities", found, profiles)
    unit = profiles / np.linalg.norm(profiles, axis=1, keepdims=True)
    return matrix_between(unit @ unit.T, component_names(found))


def _observable(task: Task) -> Observable:
    count = n_examples(task.data)
    places = [round(i * (count - 1) / max(1, EXAMPLES - 1)) for i in range(min(EXAMPLES, count))]
    chosen: Data = tree_map(lambda values: values[places], task.data)
    return Observable(task.loss, chosen)


def _to_task(draws: xr.Dataset, store: Path, name: str) -> xr.Dataset:
    found = susceptibility(draws, recorded(store, name))[["susceptibility", "mcse"]]
    return found.assign_coords(task=("example", [name] * found.sizes["example"]))
