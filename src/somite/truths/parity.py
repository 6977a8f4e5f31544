"""Multitask sparse parity: tasks that are learned one after the other, each by its own neurons."""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from somite.core.random import stream
from somite.data import ParityTasks
from somite.models import MLP, cross_entropy_loss
from somite.truths.fit import Plan, fit
from somite.truths.truth import GroundTruth, Task

TASKS = ParityTasks(tasks=4, size=3, alpha=0.4)
PURE, FADED = 0.85, 0.05
"""Share of the bits of one task that earns a label; size below which a neuron has faded."""
PLAN = Plan(2000, 0.01, l2=1e-3, batch_size=256, checkpoints=48)


@dataclass(frozen=True)
class ParitySettings:
    """Size of the network and of its training.

    Args:
        tasks: The tasks.
        hidden: Hidden ReLU neurons.
        examples: Training examples, drawn once.
        tested: Examples of each task behind its loss curve and lesions.
        plan: Training; its seed is that of the network.
        locality: Strength of a pressure for modules: this share of squared first-layer weights that
            lead from one task's bits to another task's group of neurons is added to the loss.
            Groups are contiguous.
    """

    tasks: ParityTasks = TASKS
    hidden: int = 128
    examples: int = 20_000
    tested: int = 500
    plan: Plan = PLAN
    locality: float = 0.0


def sparse_parity(seed: int = 0, settings: ParitySettings | None = None) -> GroundTruth:
    """A trained network of one hidden layer, with the times at which its tasks were learned.

    Args:
        seed: Of examples and weights.
        settings: Sizes.
    """
    settings = settings or ParitySettings()
    tasks, generator = settings.tasks, stream("parity", seed)
    x, parity, _ = tasks.examples(settings.examples, generator)
    probes = {}
    for task in range(tasks.tasks):
        inputs, answers, _ = tasks.examples(settings.tested, generator, task)
        probes[str(task)] = Task(cross_entropy_loss, (inputs, answers))
    model = MLP([tasks.width, settings.hidden, 2], "relu", seed=seed)
    pressure = partial(_pressure, settings) if settings.locality else None
    history = fit(model, cross_entropy_loss, (x, parity), settings.plan, probes, pressure)
    components = model.components()["neurons"]
    return GroundTruth(
        name=f"sparse parity, {tasks.tasks} tasks, overlap {tasks.overlap}",
        model=model,
        loss=cross_entropy_loss,
        data=(x, parity),
        components=components,
        labels=bit_labels(model, tasks),
        tasks=probes,
        times={name: history.learned_at(name, chance=math.log(2)) for name in probes},
        checkpoints=history.states,
        notes="Labels are the bits that neurons read at the end; times are when half of a task's "
        "loss is gone.",
    )


def _pressure(settings: ParitySettings, model: nn.Module) -> Tensor:
    """Strength times the share of weights on task bits that cross between groups."""
    assert isinstance(model, MLP)
    tasks, squares = settings.tasks, model.weight(0).square()
    group = torch.arange(settings.hidden) * tasks.tasks // settings.hidden
    across = torch.stack([
        squares[group != task][:, [tasks.tasks + bit for bit in own]].sum()
        for task, own in enumerate(tasks.subsets)
    ])  # fmt: skip
    return settings.locality * across.sum() / squares[:, tasks.tasks :].sum()


@torch.no_grad()
def bit_labels(model: MLP, tasks: ParityTasks) -> dict[str, str]:
    """The task whose bits a neuron reads.

    Lesions mislead here: neurons of one task are silent on the examples of others only as a sum,
    so that without one of them all tasks suffer.

    Args:
        model: One hidden layer.
        tasks: The tasks.

    Returns:
        By component; neurons with less than 85 % of their squared weights on task bits at one
        task's, and those whose ingoing times outgoing norm is below 5 % of the largest, have none.

    Example:
        >>> model, tasks = MLP([6, 2, 2], "relu"), ParityTasks(tasks=2, size=2)
        >>> with torch.no_grad():
        ...     _ = model.layer(0).weight[:, 2:].copy_(torch.eye(2).repeat_interleave(2, 1))
        >>> bit_labels(model, tasks)
        {'0:0': '0', '0:1': '1'}
    """
    weights = model.weight(0)
    squares = weights[:, tasks.tasks :].square()
    parts = torch.stack([squares[:, own].sum(1) for own in tasks.subsets], 1)
    share, task = (parts / squares.sum(1, keepdim=True)).max(1)
    size = weights.norm(dim=1) * model.weight(1).norm(dim=0)
    kept = (share >= PURE) & (size >= FADED * size.max())
    return {f"0:{i}": str(int(task[i])) for i in kept.nonzero().flatten().tolist()}
