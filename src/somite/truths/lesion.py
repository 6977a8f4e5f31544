"""Which task a component serves: the one whose loss rises most when its weights are zero."""

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import torch
import xarray as xr
from torch import nn

from somite.components.mask import Mask
from somite.truths.truth import Task

FLOOR = 0.05
"""A component whose largest effect is below this share of the median effect is not labelled."""


@torch.no_grad()
def lesion_table(
    model: nn.Module, components: Mapping[str, Mask], tasks: Mapping[str, Task]
) -> xr.DataArray:
    """Rise of the mean loss of each task when one component is set to zero.

    Args:
        model: Left as it is.
        components: Each in turn is set to zero in a copy.
        tasks: By name.

    Returns:
        dims (component, task), in units of the losses.
    """
    before = np.array([float(task.loss(model, task.data).mean()) for task in tasks.values()])
    found = []
    for mask in components.values():
        copy = deepcopy(model)
        for name, weight in copy.named_parameters():
            if name in mask.entries:
                weight[mask.entries[name].to(weight.device)] = 0.0
        found.append([float(task.loss(copy, task.data).mean()) for task in tasks.values()])
    return xr.DataArray(
        np.array(found) - before,
        dims=("component", "task"),
        coords={"component": list(components), "task": list(tasks)},
    )


def lesion_labels(table: xr.DataArray, least: float = 0.0) -> dict[str, str]:
    """The task of each component that matters to any.

    A task's rises are divided by their sum over the components first, so that a task whose loss is
    touchy does not own everything.

    Args:
        table: Of `lesion_table`.
        least: Selectivity below which a component is not labelled.

    Returns:
        By component, the task with the largest part. Components whose largest part is below 5 % of
        the median component's are left out: nothing says what they do.
    """
    parts = table.clip(min=0)
    parts = parts / parts.sum("component")
    largest = parts.max("task")
    matters = (largest > FLOOR * float(largest.median())) & (selectivity(parts) >= least)
    tasks = parts["task"].to_numpy()[parts.argmax("task").to_numpy()]
    names = parts["component"].to_numpy()
    return {str(n): str(t) for n, t, kept in zip(names, tasks, matters, strict=True) if kept}


def selectivity(table: xr.DataArray) -> xr.DataArray:
    """(largest − mean of the others) / (largest + mean of the others) of the rises above zero.

    Args:
        table: Of `lesion_table`, two tasks or more.

    Returns:
        dims component, from 0 (serves all alike) to 1 (serves one).

    Source: Morcos et al. (1803.06959).
    """
    rises = table.clip(min=0)
    largest = rises.max("task")
    others = (rises.sum("task") - largest) / (rises.sizes["task"] - 1)
    return (largest - others) / (largest + others)
