"""What is checked on one small batch before hours of sampling begin."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from somite.components.patch import Patch
from somite.core.errors import InputError
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.target import Data, Target, n_examples, per_example, rows
from somite.sampling.views import View

FEW = 4
SHARING_TOLERANCE = 1e-3


def check_target(
    at_center: Callable[[Data], Tensor],
    parts: Mapping[str, tuple[Patch, View]],
    target: Target,
    kernel: Kernel,
) -> None:
    """Check the loss, the step and the sharing on a few examples.

    Args:
        at_center: Losses of a batch at the center.
        parts: Moved weights and the losses they give, by component.
        target: Loss, data and scale.
        kernel: The sampler.

    Raises:
        InputError: If the loss has the wrong shape, is not finite or not repeatable, if a
            component does not enter it, or if the step is unstable.
    """
    pull = kernel.step_size * target.localization
    if pull >= 4:
        largest = 4 / target.localization
        remedy = f"The loss makes the bound {largest:g} tighter; {largest / 20:g} is a good start."
        raise InputError("step_size", "must be below 4 / localization", kernel.step_size, remedy)
    few = rows(target.data, slice(0, FEW))
    losses = at_center(few)
    _check_losses(losses, n_examples(few))
    if not torch.equal(losses, at_center(few)):
        remedy = "Switch off dropout and augmentation inside the loss."
        rule = "must give the same numbers for the same batch"
        raise InputError("loss", rule, "two different results", remedy)
    for name, (patch, view) in parts.items():
        _check_component(name, patch, view, few, losses)


def check_baseline(argument: str, losses: Tensor) -> None:
    """Require a finite loss of every example at the center: all else is measured from there.

    Args:
        argument: Name of the data set.
        losses: (example,).

    Raises:
        InputError: If a loss is NaN or infinite.
    """
    bad = int((~torch.isfinite(losses)).sum())
    if bad:
        rule, remedy = "must have a finite loss at the center", "Leave those examples out."
        raise InputError(argument, rule, f"{bad} of {len(losses)} examples without", remedy)


def _check_losses(losses: Tensor, examples: int) -> None:
    if losses.ndim == 0 or losses.shape[0] != examples:
        remedy = "Return one loss per example (reduction='none'), examples along the first axis."
        raise InputError("loss", f"must have shape ({examples}, …)", tuple(losses.shape), remedy)
    if not bool(torch.isfinite(per_example(losses)).all()):
        remedy = "Check the model's weights and the data; a row needs at least two tokens."
        raise InputError("loss", "must be finite at the center", float(losses.mean()), remedy)


def _check_component(name: str, patch: Patch, view: View, few: Data, losses: Tensor) -> None:
    """The component must enter the loss, and the view must give the loss of the center there.

    Raises:
        InputError: If it does not.
    """
    weights = patch.center.clone().requires_grad_()
    found = view(few, weights)
    if not found.requires_grad:
        remedy = "Leave it out, or use a loss that depends on it."
        raise InputError(f"component {name}", "must enter the loss", "no gradient", remedy)
    gap = float((found.detach() - losses).abs().max())
    if gap > SHARING_TOLERANCE * (1 + float(losses.abs().max())):
        remedy = "Pass sharing=False, and report this as a bug."
        raise InputError("loss", "must be the same with and without sharing", gap, remedy)
