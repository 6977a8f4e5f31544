"""Networks of a sweep that learn several parities: small, with tasks that are known."""

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from somite.core.checks import at_least, not_negative, positive
from somite.curvature import BlockRoot
from somite.data import ParityTasks
from somite.modularity import is_modular, score_given
from somite.study.recipe import typed_section
from somite.sweeps.design import Settings
from somite.sweeps.spoiled import spoiled
from somite.truths.fit import Plan
from somite.truths.interactions import curvature_root
from somite.truths.parity import ParitySettings, sparse_parity
from somite.truths.truth import GroundTruth

Row = dict[str, Any]
NULLS, TRIED = 99, 25
N_BETA, LOCALIZATION = 3000.0, 30.0
"""Scale at which neurons of different tasks come apart (docs/log.md)."""
AWAKE = 0.2
"""Trace of the curvature below which a neuron is asleep, as a share of that of the most active."""


@dataclass(frozen=True)
class ParityConfig:
    """One network and its training; the fields are the keys of a sweep.

    Args:
        tasks: Parities.
        size: Bits of each.
        overlap: Bits that one shares with the next.
        alpha: How much rarer later tasks are.
        hidden: ReLU neurons.
        steps: Of AdamW.
        learning_rate: At its highest.
        weight_decay: Decoupled.
        l2: l2/2 ‖w‖² is added to the loss.
        batch_size: Examples per step.
        locality: Pressure for modules, see `ParitySettings`.
        checkpoints: Log-spaced.
    """

    tasks: int = 4
    size: int = 3
    overlap: int = 0
    alpha: float = 0.0
    hidden: int = 48
    steps: int = 1500
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    l2: float = 1e-3
    batch_size: int = 256
    locality: float = 0.0
    checkpoints: int = 8

    def __post_init__(self) -> None:
        """Check before any work starts."""
        ParityTasks(self.tasks, self.size, overlap=self.overlap, alpha=self.alpha)
        for name in ("hidden", "steps", "batch_size"):
            at_least(name, getattr(self, name), 1)
        at_least("checkpoints", self.checkpoints, 2)
        positive("learning_rate", self.learning_rate)
        for name in ("weight_decay", "l2", "locality"):
            not_negative(name, getattr(self, name))

    def settings(self, seed: int) -> ParitySettings:
        """For `sparse_parity`."""
        tasks = ParityTasks(self.tasks, self.size, overlap=self.overlap, alpha=self.alpha)
        plan = Plan(self.steps, self.learning_rate, self.weight_decay, self.l2, self.batch_size,
                    self.checkpoints, seed)  # fmt: skip
        return ParitySettings(tasks, self.hidden, plan=plan, locality=self.locality)


class Parity:
    """Networks of one hidden layer on multitask sparse parity; no recipe."""

    def check(self, recipe: str, settings: Settings) -> None:
        """Refuse settings that no network has."""
        typed_section("parity", ParityConfig, settings)

    def seconds(self, recipe: str, settings: Settings) -> float:
        """Training steps and checkpoints times the seconds of each, from a short training."""
        config: ParityConfig = typed_section("parity", ParityConfig, settings)
        spent = {}
        for steps in (TRIED, TRIED, 3 * TRIED):  # the first warms up
            start = time.perf_counter()
            truth = sparse_parity(0, replace(config, steps=steps, checkpoints=2).settings(0))
            spent[steps] = time.perf_counter() - start
        start = time.perf_counter()
        _row(truth, 3 * TRIED, 0)
        measured = config.checkpoints * (time.perf_counter() - start)
        return config.steps * max(spent[3 * TRIED] - spent[TRIED], 0.0) / (2 * TRIED) + measured

    def measure(
        self, recipe: str, settings: Settings, seed: int, folder: Path, tolerance: float = 0.0
    ) -> list[Row]:
        """Train and measure: one row for each checkpoint, nothing is kept in the folder.

        Rows have step, loss (mean over tasks), loss of each task, total_llc (Gauss-Newton, all
        weights of neurons), mean_llc of neurons, modules of neurons with z and p, their agreement
        with the tasks and the mean interaction; the last row also the times of learning, and
        `spoiled` if there is a tolerance.
        """
        config: ParityConfig = typed_section("parity", ParityConfig, settings)
        truth = sparse_parity(seed, config.settings(seed))
        rows = [_row(truth, step, seed) for step in truth.checkpoints]
        rows[-1] |= {f"time_{task}": time for task, time in truth.times.items()}
        data = tuple(
            map(torch.cat, zip(*(task.data for task in truth.tasks.values()), strict=True))
        )
        rows[-1] |= spoiled(truth.model, truth.loss, data, tolerance)
        return rows


def _row(truth: GroundTruth, step: int, seed: int) -> Row:
    there = truth.at(step)
    losses = {f"loss_{name}": float(task.loss(there.model, task.data).detach().mean())
              for name, task in truth.tasks.items()}  # fmt: skip
    root = curvature_root(there, only_active=False)
    each = [BlockRoot({name: part}).llc(N_BETA, LOCALIZATION) for name, part in root.rows.items()]
    return {"step": step, "loss": float(np.mean(list(losses.values()))), **losses,
            "total_llc": root.llc(N_BETA, LOCALIZATION), "mean_llc": float(np.mean(each)),
            **_modules(there, seed)}  # fmt: skip


def _modules(truth: GroundTruth, seed: int) -> Row:
    """Modules of the neurons that are awake, by interactions over active weights.

    `task_auc` is that of pairs of one task against pairs of two, of neurons that read one task.
    """
    root = curvature_root(truth)
    traces = {name: float(rows.square().sum()) for name, rows in root.rows.items()}
    bound = AWAKE * np.quantile(list(traces.values()), 0.95)
    awake = {name: root.rows[name] for name, trace in traces.items() if trace >= bound}
    matrix = BlockRoot(awake).interaction(N_BETA, LOCALIZATION)
    verdict = is_modular(matrix, seed, repeats=NULLS)
    pairs = matrix.values[np.triu_indices(len(awake), 1)]
    return {"awake": len(awake), "modules": int(verdict.label.max()) + 1,
            "modularity": float(verdict.value), "modular_z": float(verdict.z),
            "modular_p": float(verdict.p_value), "mean_coupling": float(np.abs(pairs).mean()),
            **_of_tasks(matrix, truth, seed)}  # fmt: skip


def _of_tasks(matrix: xr.DataArray, truth: GroundTruth, seed: int) -> Row:
    """How well interactions tell neurons of one task from others, against permuted labels."""
    known = [name for name in matrix.component.values.tolist() if name in truth.labels]
    labels = [int(truth.labels[name]) for name in known]
    if len(set(labels)) < 2 or len(set(labels)) == len(labels):
        return {"task_auc": math.nan, "task_z": math.nan}
    found = score_given(matrix.sel(component=known, other=known), labels, "pair_auc", seed=seed)
    return {"task_auc": float(found.value), "task_z": float(found.z)}
