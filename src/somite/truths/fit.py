"""A plain training loop for small networks, and when each task was learned."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from somite.core.checks import one_of
from somite.core.random import stream
from somite.sampling.target import Data, Loss, rows, tensors
from somite.truths.truth import Task

WARM_UP = 0.05
"""Share of the steps in which the learning rate rises to its full size."""
LEARNED = 0.5
"""A task is learned when its loss has fallen by this share of all that it falls."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Args:
        steps: Steps of AdamW; the learning rate falls to zero along a cosine.
        learning_rate: At its highest.
        weight_decay: Decoupled from the loss.
        l2: l2/2 ‖w‖² is added to the mean loss.
        batch_size: Examples per step, drawn with replacement; all if left out.
        checkpoints: How many, evenly spread over log(step + 1), first and last step included.
        seed: Names the stream of the minibatches.
    """

    steps: int
    learning_rate: float
    weight_decay: float = 0.0
    l2: float = 0.0
    batch_size: int | None = None
    checkpoints: int = 2
    seed: int = 0

    @property
    def kept(self) -> list[int]:
        """Steps of the checkpoints."""
        grid = np.geomspace(1, self.steps + 1, self.checkpoints)
        return sorted({round(float(step)) - 1 for step in grid})


@dataclass
class History:
    """What was recorded at the checkpoints.

    Args:
        losses: Mean loss of each task by step.
        states: Weights by step.
    """

    losses: dict[str, dict[int, float]] = field(default_factory=dict)
    states: dict[int, dict[str, Tensor]] = field(default_factory=dict)

    def learned_at(self, task: str, chance: float | None = None, share: float = LEARNED) -> float:
        """Step from which on a task's loss is below its start by a share of all that it falls.

        Linear in log(step + 1) between checkpoints.

        Args:
            task: Its name.
            chance: Loss of guessing, from which the fall is counted; the first loss if left out.
                First weights can be worse than guessing, and leaving them is not learning.
            share: How much of the fall it takes.

        Returns:
            The step; infinite if the loss ends above the bound.
        """
        curve = self.losses[one_of("task", task, self.losses)]
        steps, values = list(curve), list(curve.values())
        top = values[0] if chance is None else chance
        bound = top - share * (top - min(values))
        place = 1 + max((i for i, value in enumerate(values) if value > bound), default=-1)
        if place == len(values) or bound >= top:
            return math.inf
        if place == 0:
            return float(steps[0])
        before, after = values[place - 1], values[place]
        part = (before - bound) / (before - after)
        first, last = math.log1p(steps[place - 1]), math.log1p(steps[place])
        return math.expm1(first + part * (last - first))


def fit(
    model: nn.Module,
    loss: Loss,
    data: Data,
    plan: Plan,
    tasks: Mapping[str, Task] | None = None,
    penalty: Callable[[nn.Module], Tensor] | None = None,
) -> History:
    """Train a model in place.

    Args:
        model: At its first weights.
        loss: Its mean over the batch is lowered.
        data: Examples along the first axis.
        plan: How to train.
        tasks: Losses recorded at the checkpoints.
        penalty: Added to the mean loss.

    Returns:
        Losses of the tasks, and weights, at the checkpoints.
    """
    history, generator = History(), stream("fit", plan.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), plan.learning_rate, weight_decay=plan.weight_decay
    )
    examples = len(tensors(data)[0])
    for step in range(plan.steps + 1):
        if step in plan.kept:
            _record(history, step, model, tasks or {})
        if step == plan.steps:
            break
        optimizer.param_groups[0]["lr"] = plan.learning_rate * _rate(step, plan.steps)
        batch = data
        if plan.batch_size is not None:
            batch = rows(data, torch.randint(examples, (plan.batch_size,), generator=generator))
        total = loss(model, batch).mean()
        if penalty is not None:
            total = total + penalty(model)
        if plan.l2:
            squares = [weight.square().sum() for weight in model.parameters()]
            total = total + plan.l2 / 2 * torch.stack(squares).sum()
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    return history


def keep_zeros(model: nn.Module) -> None:
    """Let weights that are zero stay zero in `fit`, as long as nothing else moves them."""
    for weight in model.parameters():
        weight.register_hook(partial(torch.mul, (weight != 0).to(weight.dtype)))


def _rate(step: int, steps: int) -> float:
    return min((step + 1) / (WARM_UP * steps), (1 + math.cos(math.pi * step / steps)) / 2)


@torch.no_grad()
def _record(history: History, step: int, model: nn.Module, tasks: Mapping[str, Task]) -> None:
    history.states[step] = {name: value.clone() for name, value in model.state_dict().items()}
    for name, task in tasks.items():
        mean = float(task.loss(model, task.data).mean())
        history.losses.setdefault(name, {})[step] = mean
