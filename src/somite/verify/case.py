"""A case: something to sample whose true answer is known, and how the answer is read off."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from torch import nn

from somite.components.mask import Mask
from somite.estimators import llc
from somite.sampling.convergence import mean_error
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.target import Target

Measure = Callable[[xr.Dataset], tuple[float, float]]
"""Estimate and its Monte Carlo error from the draws of one component."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What is sampled, and the answer.

    Args:
        model: The center.
        target: Loss, data and scale.
        truth: What the estimate must be.
        truth_error: Monte Carlo error of the truth, where it comes from another sampler.
        rejected: A value that the estimate must tell from the truth, where one is near.
        components: What moves: a kind, or one mask under a name.
    """

    model: nn.Module
    target: Target
    truth: float
    truth_error: float = 0.0
    rejected: float | None = None
    components: str | Mapping[str, Mask] = "full"


Prepare = Callable[[Any], Problem]
"""Makes the problem; it is given the kernel, whose own stationary law may be the truth."""


def coefficient(draws: xr.Dataset) -> tuple[float, float]:
    """Local learning coefficient of the one component, and its error."""
    table = llc(draws)
    return table.llc.item(), table.mcse.item()


def squared_distance(draws: xr.Dataset) -> tuple[float, float]:
    """E‖w − w*‖² of the one component, and its error."""
    values: np.ndarray = draws.distance.isel(component=0).values
    return float(values.mean()), mean_error(values)


@dataclass(frozen=True, eq=False)
class Case:
    """One line of the table of `verify`.

    Args:
        name: Short and unique.
        subject: What kind of target it is.
        source: Where the truth comes from, in a few words.
        kernel: The sampler.
        prepare: Makes the problem from the kernel.
        settings: Chain settings for `somite.sample`; those left out are those of `run`.
        measure: Reads the estimate and its error off the draws.
    """

    name: str
    subject: str
    source: str
    kernel: Kernel
    prepare: Prepare
    settings: Mapping[str, Any] = field(default_factory=dict)
    measure: Measure = coefficient
