"""Multitask sparse parity: tasks that are learned one after the other, each by its own neurons."""

import math
from dataclasses import dataclass

from somite.core.random import stream
from somite.data import ParityTasks
from somite.models import MLP, cross_entropy_loss
from somite.truths.fit import Plan, fit
from somite.truths.lesion import lesion_labels, lesion_table
from somite.truths.truth import GroundTruth, Task

TASKS = ParityTasks(tasks=4, size=3, alpha=0.4)
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
    """

    tasks: ParityTasks = TASKS
    hidden: int = 128
    examples: int = 20_000
    tested: int = 500
    plan: Plan = PLAN


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
    history = fit(model, cross_entropy_loss, (x, parity), settings.plan, probes)
    components = model.components()["neurons"]
    return GroundTruth(
        name=f"sparse parity, {tasks.tasks} tasks, overlap {tasks.overlap}",
        model=model,
        loss=cross_entropy_loss,
        data=(x, parity),
        components=components,
        labels=lesion_labels(lesion_table(model, components, probes)),
        tasks=probes,
        times={name: history.learned_at(name, chance=math.log(2)) for name in probes},
        checkpoints=history.states,
        notes="Labels are lesions at the end; times are when half of a task's loss is gone.",
    )
