"""What calibration knows of one component at one checkpoint before any chain runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from somite.calibration.locality import Ball, gaussian_ball, measured_rounding
from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.core.errors import InputError
from somite.core.random import stream
from somite.curvature import hessian_product, lanczos
from somite.sampling.center import CenterGradients, center_statistics
from somite.sampling.kernels import SGLD
from somite.sampling.observables.losses import example_losses
from somite.sampling.preflight import (
    FEW,
    RELATIVE_REACH,
    check_baseline,
    check_components,
    check_loss,
)
from somite.sampling.sample import views
from somite.sampling.settings import ChainSettings
from somite.sampling.sharing import Sharing
from somite.sampling.stability import stiffest
from somite.sampling.target import Data, Loss, Target, n_examples, per_example, rows
from somite.sampling.views import View, center_losses
from somite.sampling.vocabulary import check_vocabulary

LANCZOS_STEPS = 8
PROBE = 16
"""Examples on which the reach of the loss is measured."""
FEWEST_PAIRS, MOST_PAIRS, ENTRIES = 2, 64, 256
"""Pairs of displacements: so many that they have 256 entries, at least 2 and at most 64."""


@dataclass(frozen=True, eq=False)
class CalibrationCell:
    """One component at one checkpoint.

    Args:
        checkpoint: Name of the center.
        component: Name of the component.
        patch: Its moved weights.
        view: Losses of a batch at moved weights.
        probe: Examples on which the reach of the loss is measured.
        curvature: Bound of the largest curvature of a minibatch's mean loss.
        center_gradient: ‖∇L(w*)‖², unbiased.
        gradient_noise: Trace of the covariance of a minibatch gradient.
    """

    checkpoint: str
    component: str
    patch: Patch
    view: View
    probe: Data
    curvature: float
    center_gradient: float
    gradient_noise: float

    def ball(self, localization: float) -> Ball:
        """What the loss does within reach of a localization."""
        place = self.view, self.patch, self.probe
        return gaussian_ball(*place, localization, self._pairs, self._rounding)

    @cached_property
    def _rounding(self) -> float:
        return measured_rounding(
            self.view, self.patch, self.probe, self._pairs, self.patch.rounding
        )

    @property
    def _pairs(self) -> int:
        return min(max(FEWEST_PAIRS, ENTRIES // self.patch.size), MOST_PAIRS)


def look(
    checkpoint: str, center: nn.Module, loss: Loss, data: Data, masks: Mapping[str, Mask],
    plan: ChainSettings,
) -> list[CalibrationCell]:  # fmt: skip
    """Measure curvature and gradients of every component around one center.

    Args:
        checkpoint: Name of the center.
        center: The model, in evaluation mode, without gradients.
        loss: As in `Target`.
        data: As in `Target`.
        masks: The components.
        plan: Batch size and seed.

    Returns:
        One cell per component. A loss that `somite.sample` would refuse raises an `InputError`.
    """
    target, at_center = Target(loss, data, n_beta=0.0), center_losses(center, loss)
    few = rows(data, slice(0, FEW))
    check_vocabulary("data", at_center, data)
    losses = check_loss(at_center, few)
    parts = views(center, target, masks, Sharing(center, loss, few))
    size = n_examples(data)
    # n_beta = 0: no step is judged
    check_components(losses, parts, target, SGLD(1.0), plan.chunk(size))
    check_baseline("data", example_losses(at_center, data, max(plan.chunk(size), PROBE)))
    moved = {name for mask in masks.values() for name in mask.entries}
    patches = {name: patch for name, (patch, _) in parts.items()}
    statistics = center_statistics(CenterGradients(center, loss, moved), data, patches, plan)
    batch, probe = rows(data, slice(0, plan.chunk(size))), rows(data, slice(0, PROBE))
    found = []
    for name, (patch, view) in parts.items():
        numbers = (top_curvature(view, patch, batch), *statistics[name])
        found.append(CalibrationCell(checkpoint, name, patch, view, probe, *numbers))
    return found


def top_curvature(view: View, patch: Patch, batch: Data) -> float:
    """Largest Ritz value of the Hessian of a minibatch's mean loss, plus its error bound.

    A minibatch is stiffer than the data as a whole, and it is the minibatch that moves the chain.
    Where the loss has no second derivative, or only rounding of one, differences of gradients
    bound the curvature instead.
    """

    def loss(flat: Tensor) -> Tensor:
        return per_example(view(batch, flat)).mean()

    found = _ritz(loss, patch)
    if found > 0:
        return found
    reach = RELATIVE_REACH * (float(patch.center.norm()) or 1.0)
    return max(stiffest(view, patch, batch, reach), 0.0)


def _ritz(loss: Callable[[Tensor], Tensor], patch: Patch) -> float:
    """Largest Ritz value plus its error bound; 0 if no product with the Hessian can be had."""
    steps, generator = min(LANCZOS_STEPS, patch.size), stream("calibration", patch.size)
    try:
        with torch.enable_grad():
            product = hessian_product(loss, patch.center)
            device = patch.center.device
            spectrum = lanczos(product, patch.size, steps, generator, torch.float64, device)
    except (RuntimeError, InputError):
        return 0.0
    return max(spectrum.largest, 0.0) + spectrum.residual
