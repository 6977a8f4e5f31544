"""Dense networks that answer two questions: pairs of digits, two sums, and one of two by a flag."""

from collections.abc import Mapping
from functools import partial

from torch import Tensor

from somite.core.random import stream
from somite.data import digit_pairs, double_addition, modular_arithmetic
from somite.models import MLP, cross_entropy_loss
from somite.truths.fit import Plan, fit
from somite.truths.lesion import lesion_labels, lesion_table
from somite.truths.truth import GroundTruth, Task

DIGITS = Plan(1500, 0.005, l2=1e-4, batch_size=256)
SUMS = Plan(3000, 0.01, l2=1e-4, batch_size=256)
FLAGGED = Plan(3000, 0.01, l2=1e-4)
HIDDEN, EXAMPLES, MODULUS = 48, 4000, 10
Examples = tuple[Tensor, Tensor]


def digits(
    seed: int = 0, correlation: float = 0.0, question: str = "digit", plan: Plan = DIGITS
) -> GroundTruth:
    """Two handwritten digits side by side, two labels.

    Args:
        seed: Of pairs and weights.
        correlation: How often both are of one class; harder as it grows.
        question: "digit" or "parity".
        plan: Training.
    """
    data = digit_pairs(EXAMPLES, stream("digits", seed), correlation, question)
    tasks = _halves(data, ("left", "right"))
    classes = 10 if question == "digit" else 2
    model = MLP([data[0].shape[1], HIDDEN, 2 * classes], "relu", seed=seed)
    name = f"pairs of digits, {question}, correlation {correlation:g}"
    return _trained(name, model, data, tasks, plan)


def two_sums(seed: int = 0, plan: Plan = SUMS) -> GroundTruth:
    """Double addition: one function twice, on separate inputs and outputs.

    Args:
        seed: Of examples and weights.
        plan: Training.
    """
    data = double_addition(MODULUS, EXAMPLES, stream("two sums", seed))
    model = MLP([data[0].shape[1], HIDDEN, 2 * MODULUS], "relu", seed=seed)
    tasks = _halves(data, ("first", "second"))
    return _trained("double addition", model, data, tasks, plan)


def sum_or_product(seed: int = 0, plan: Plan = FLAGGED) -> GroundTruth:
    """Sum or product by a flag: two functions of the same inputs at the same outputs.

    Args:
        seed: Of the weights.
        plan: Training, on all pairs of numbers.
    """
    names = ("sum", "product")
    x, results, which = modular_arithmetic(MODULUS, names)
    tasks = {
        name: Task(cross_entropy_loss, (x[which == i], results[which == i]))
        for i, name in enumerate(names)
    }
    model = MLP([x.shape[1], HIDDEN, MODULUS], "relu", seed=seed)
    return _trained("sum or product by a flag", model, (x, results), tasks, plan)


def _halves(data: Examples, names: tuple[str, str]) -> dict[str, Task]:
    return {
        name: Task(partial(cross_entropy_loss, questions=(i,)), data)
        for i, name in enumerate(names)
    }


def _trained(
    name: str, model: MLP, data: Examples, tasks: Mapping[str, Task], plan: Plan
) -> GroundTruth:
    history = fit(model, cross_entropy_loss, data, plan, tasks)
    components = model.components()["neurons"]
    return GroundTruth(
        name=name,
        model=model,
        loss=cross_entropy_loss,
        data=data,
        components=components,
        labels=lesion_labels(lesion_table(model, components, tasks)),
        tasks=tasks,
        checkpoints=history.states,
        notes="Labels are the answers whose loss rises most without the neuron.",
    )
