"""Modular addition: neurons group by Fourier frequency once it is grokked.

A second task ("difference" or "product") can be added, told apart by a flag. In the time that a
comparison has, a network of one hidden layer does not grok both: see docs/log.md.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.core.random import stream
from somite.data import modular_arithmetic
from somite.models import MLP, cross_entropy_loss
from somite.truths.fit import Plan, fit
from somite.truths.truth import GroundTruth, Task

HELD_OUT = "held out"
PLAN = Plan(4000, 0.01, weight_decay=1.0, checkpoints=32)


@dataclass(frozen=True)
class AdditionSettings:
    """Sizes.

    Args:
        modulus: m.
        operations: The tasks.
        hidden: Hidden ReLU neurons.
        share: Of all pairs that is trained on.
        pure: Smallest share of a neuron's variance at one frequency that gives it a label.
        plan: Training; weight decay brings the Fourier solution.
    """

    modulus: int = 31
    operations: tuple[str, ...] = ("sum",)
    hidden: int = 128
    share: float = 0.8
    pure: float = 0.85
    plan: Plan = PLAN


def modular_addition(seed: int = 0, settings: AdditionSettings | None = None) -> GroundTruth:
    """A trained network of one hidden layer; time of birth is that of the held-out loss.

    Args:
        seed: Of split and weights.
        settings: Sizes.
    """
    settings = settings or AdditionSettings()
    x, results, task = modular_arithmetic(settings.modulus, settings.operations)
    order = torch.randperm(len(x), generator=stream("addition split", seed))
    train, test = order.split([(kept := round(settings.share * len(x))), len(x) - kept])
    data = (x[train], results[train])
    tasks = {
        name: Task(cross_entropy_loss, (x[task == i], results[task == i]))
        for i, name in enumerate(settings.operations)
    }
    model = MLP([x.shape[1], settings.hidden, settings.modulus], "relu", seed=seed)
    held_out = {HELD_OUT: Task(cross_entropy_loss, (x[test], results[test]))}
    history = fit(model, cross_entropy_loss, data, settings.plan, tasks | held_out)
    frequency, purity = dominant_frequencies(model, settings.modulus)
    labels = {
        f"0:{i}": str(int(f))
        for i, (f, p) in enumerate(zip(frequency, purity, strict=True))
        if p >= settings.pure
    }
    return GroundTruth(
        name=f"{' and '.join(settings.operations)} modulo {settings.modulus}",
        model=model,
        loss=cross_entropy_loss,
        data=data,
        components=model.components()["neurons"],
        labels=labels,
        tasks=tasks | held_out,
        times=dict.fromkeys(
            set(labels.values()), history.learned_at(HELD_OUT, math.log(settings.modulus))
        ),
        checkpoints=history.states,
        notes="Labels are Fourier frequencies of the incoming weights; neurons of mixed "
        "frequencies have none.",
    )


@torch.no_grad()
def dominant_frequencies(model: MLP, modulus: int) -> tuple[Tensor, Tensor]:
    """Strongest Fourier frequency of each hidden neuron's weights on the two numbers.

    Args:
        model: Reads flags, then two one-hot numbers.
        modulus: m.

    Returns:
        Frequencies 1 … m/2 (neuron,), and their shares of the variance (neuron,).
    """
    numbers = model.weight(0)[:, -2 * modulus :].unflatten(1, (2, modulus))
    power = torch.fft.rfft(numbers.double()).abs().square().sum(1)[:, 1:]
    share, place = (power / power.sum(1, keepdim=True)).max(1)
    return place + 1, share


@torch.no_grad()
def accuracy(model: MLP, task: Task) -> float:
    """Share of right answers."""
    x, answers = task.data
    return float((model(x).argmax(-1) == answers).float().mean())
