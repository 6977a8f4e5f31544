"""What is sampled: the only place that fixes the scale.

    p(w) ∝ exp(−n_beta · L(w) − localization/2 · ‖w − w*‖²),   L = mean loss over the data

w* is the center. Only the entries of a component move; the others stay at w*.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from somite.core.checks import not_negative
from somite.core.errors import InputError

Data = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
Loss = Callable[[Any, Any], Tensor]


@dataclass(frozen=True, eq=False)
class Target:
    """The local posterior around the center.

    Args:
        loss: `loss(model, batch)` gives losses with the examples along the first axis (more axes,
            such as positions, are averaged).
        data: Examples along the first axis of a tensor, or of each tensor of a tuple or dict.
        n_beta: Inverse temperature times number of samples, in front of the mean loss; 0 is the
            control run without any loss.
        localization: Precision γ of the Gaussian around the center.

    Raises:
        InputError: If a number is negative, or the data are no tensors, disagree or are empty.
    """

    loss: Loss
    data: Data
    n_beta: float
    localization: float = 0.0

    def __post_init__(self) -> None:
        """Check before any work starts.

        Raises:
            InputError: If a number is negative, or the data are no tensors, disagree or are empty.
        """
        not_negative("n_beta", self.n_beta, "Give a positive number, or 0 for the control run.")
        not_negative("localization", self.localization)
        check_data("data", self.data)

    def drift(self, gradient: Tensor, weights: Tensor, center: Tensor) -> Tensor:
        """Gradient of the potential: n_beta·∂L + localization·(w − w*), each (d,)."""
        return self.n_beta * gradient + self.localization * (weights - center)


def check_data(argument: str, data: Data) -> None:
    """Require tensors that agree on the number of examples, and at least one example.

    Raises:
        InputError: If the data are anything else.
    """
    found = tensors(data) if isinstance(data, Tensor | tuple | dict) else ()
    if not found or not all(isinstance(x, Tensor) and x.ndim for x in found):
        rule = "must be a tensor, or a tuple or dict of tensors, with one row per example"
        raise InputError(argument, rule, type(data).__name__, "Stack the examples first.")
    lengths = sorted({len(tensor) for tensor in found})
    if len(lengths) != 1:
        remedy = "Give every tensor one row per example."
        raise InputError(argument, "must agree on the number of examples", lengths, remedy)
    if lengths == [0]:
        raise InputError(argument, "must hold at least one example", 0, "Pass more data.")


def n_examples(data: Data) -> int:
    """Number of examples."""
    return len(tensors(data)[0])


def tensors(data: Data) -> tuple[Tensor, ...]:
    """The tensors of a data set."""
    if isinstance(data, Tensor):
        return (data,)
    return tuple(data.values()) if isinstance(data, dict) else tuple(data)


def rows(data: Data, index: Tensor | slice) -> Data:
    """The chosen examples of a data set, in its own form."""
    if isinstance(data, Tensor):
        return data[index]
    if isinstance(data, dict):
        return {name: tensor[index] for name, tensor in data.items()}
    return tuple(tensor[index] for tensor in data)


def per_example(losses: Tensor) -> Tensor:
    """Mean over all axes but the first."""
    return losses.flatten(1).mean(1) if losses.ndim > 1 else losses
