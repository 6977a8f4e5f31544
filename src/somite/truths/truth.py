"""A network whose modules are known: what every ground truth hands over."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from somite.components.mask import Mask
from somite.components.select import check_fit
from somite.core.errors import InputError, nearest
from somite.sampling.target import Data, Loss

ALL = "all"
"""Name of the whole network among exact coefficients."""


class Task(NamedTuple):
    """One of the things that a network does: a loss on data of its own."""

    loss: Loss
    data: Data


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """A network, its loss, its components, and which module each is in.

    Args:
        name: What it is, with its difficulty.
        model: At its center, mostly a minimum of the loss.
        loss: For `somite.Target`.
        data: Likewise.
        components: What methods are to sort, by name.
        labels: Module of each component; components without one are not judged.
        modular: False for controls: there `labels` are the partition that must not come out.
        tasks: Losses of single tasks, by the module that does them where there is one.
        times: Step at which the module of a label is born, where that is known.
        checkpoints: Weights by step, where the network was trained.
        exact: Learning coefficients that are known, by component or module, and "all".
        notes: How the labels are known, and what to look out for.
    """

    name: str
    model: nn.Module
    loss: Loss
    data: Data
    components: Mapping[str, Mask]
    labels: Mapping[str, str]
    modular: bool = True
    tasks: Mapping[str, Task] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
    checkpoints: Mapping[int, dict[str, Tensor]] = field(default_factory=dict)
    exact: Mapping[str, float] = field(default_factory=dict)
    notes: str = ""

    def __post_init__(self) -> None:
        """Check that masks fit the model and labels name components.

        Raises:
            InputError: If they do not.
        """
        for name, mask in self.components.items():
            check_fit(name, mask, self.model)
        for name in self.labels:
            if name not in self.components:
                remedy = nearest(name, self.components)
                raise InputError("labels", "must name components", name, remedy)

    @property
    def modules(self) -> dict[str, list[str]]:
        """Components of each module."""
        found: dict[str, list[str]] = {}
        for component, module in self.labels.items():
            found.setdefault(module, []).append(component)
        return found

    def at(self, step: int) -> "GroundTruth":
        """The network at a checkpoint; its labels are still those of the end.

        Raises:
            InputError: If there is no such checkpoint.
        """
        if step not in self.checkpoints:
            remedy = f"There are {sorted(self.checkpoints)}."
            raise InputError("step", "must be a checkpoint", step, remedy)
        model = deepcopy(self.model)
        model.load_state_dict(self.checkpoints[step])
        return replace(self, name=f"{self.name}, step {step}", model=model)

    @torch.no_grad()
    def mean_loss(self) -> float:
        """Mean loss at the center."""
        return float(self.loss(self.model, self.data).mean())
