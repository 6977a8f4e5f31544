"""What is sampled: the only place that fixes the scale.

    p(w) ∝ exp(−U(w)),   L = mean loss over the data
    U(w) = n_beta · L(w) + localization/2 · ‖w − w*‖² + weight_decay/2 · ‖w‖²

w* is the center. Only the entries of a component move; the others stay at w*. A bounding box
restricts every moved entry to [w* − box, w* + box].
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.linalg import vecdot

from somite.components.patch import at_least_single
from somite.core.checks import at_least, not_negative, positive
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
        weight_decay: Precision of a Gaussian prior around zero.
        bounding_box: Largest distance of an entry from its value at the center; None for none.
        n: Number of samples behind the loss, where a temperature is to be compared with it
            (WBIC, WAIC); None if the data are unlimited.

    Raises:
        InputError: If a number is out of range, or the data are no tensors, disagree or are empty.
    """

    loss: Loss
    data: Data
    n_beta: float
    localization: float = 0.0
    weight_decay: float = 0.0
    bounding_box: float | None = None
    n: int | None = None

    def __post_init__(self) -> None:
        """Check before any work starts."""
        not_negative("n_beta", self.n_beta, "Give a positive number, or 0 for the control run.")
        not_negative("localization", self.localization)
        not_negative("weight_decay", self.weight_decay)
        if self.bounding_box is not None:
            positive("bounding_box", self.bounding_box, "Give a width, or None for no box.")
        if self.n is not None:
            at_least("n", self.n, 2, "Give the number of samples, or None.")
        check_data("data", self.data)

    def drift(self, gradient: Tensor, weights: Tensor, center: Tensor) -> Tensor:
        """∂U = n_beta·∂L + localization·(w − w*) + weight_decay·w, each (…, d)."""
        drift = (weights - center).mul_(self.localization).add_(gradient, alpha=self.n_beta)
        return drift.add_(weights, alpha=self.weight_decay) if self.weight_decay else drift

    def potential(self, loss: float | Tensor, weights: Tensor, center: Tensor) -> Tensor:
        """U(w) − U(w*) of each row of weights (…, d), in double precision (…,).

        The loss is given as a difference. Infinite outside the bounding box.
        """
        away = weights - center
        prior = self.localization * vecdot(away, away)
        if self.weight_decay:
            prior += self.weight_decay * (vecdot(weights, weights) - vecdot(center, center))
        found: Tensor = self.n_beta * loss + prior.double() / 2
        if self.bounding_box is None:
            return found
        return torch.where((away.abs() > self.bounding_box).any(-1), math.inf, found)

    def confine(self, weights: Tensor, center: Tensor) -> Tensor:
        """Weights reflected at the walls of the bounding box until they are inside (…, d)."""
        if self.bounding_box is None:
            return weights
        box = self.bounding_box
        away = torch.remainder(weights - center + box, 4 * box)  # the triangle wave of this period
        folded = torch.where(away > 2 * box, 4 * box - away, away) - box
        outside = (weights - center).abs() > box
        return torch.where(outside, center + folded, weights)

    @property
    def prior_precision(self) -> float:
        """Precision that holds a weight which the loss does not see."""
        return self.localization + self.weight_decay


def check_data(argument: str, data: Data) -> None:
    """Require tensors that agree on the number of examples, and at least one example.

    Raises:
        InputError: If the data are anything else.
    """
    found = tensors(data) if isinstance(data, Tensor | tuple | dict) else ()
    if not found or not all(isinstance(x, Tensor) and x.ndim for x in found):
        rule = "must be a tensor, or a tuple or dict of tensors, with one row per example"
        remedy = "Stack the examples first, or pass somite.collect(data, rows=…)."
        raise InputError(argument, rule, type(data).__name__, remedy)
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


def on_device(data: Data, device: torch.device) -> Data:
    """The data in the memory of a device."""
    if isinstance(data, Tensor):
        return data.to(device)
    if isinstance(data, dict):
        return {name: tensor.to(device) for name, tensor in data.items()}
    return tuple(tensor.to(device) for tensor in data)


def per_example(losses: Tensor) -> Tensor:
    """Mean over all axes but the first, in single precision at least."""
    losses = at_least_single(losses)
    return losses.flatten(1).mean(1) if losses.ndim > 1 else losses
