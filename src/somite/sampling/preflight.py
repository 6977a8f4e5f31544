"""What is checked on one small batch before hours of sampling begin."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from somite.components.patch import Patch
from somite.core.errors import InputError
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.settings import ChainSettings
from somite.sampling.sharing import TOLERANCE
from somite.sampling.stability import stiffest
from somite.sampling.target import Data, Target, n_examples, per_example, rows
from somite.sampling.views import View, traced

FEW = 4
MORE = 32
"""Examples on which the curvature is bounded: fewer would be stiffer than the data as a whole."""
RELATIVE_REACH = 1e-3
"""A difference of gradients over less than this share of the weights would drown in rounding."""


def check_kernel(kernel: Kernel, target: Target, settings: ChainSettings) -> None:
    """Check that kernel, target and chain settings go together.

    Raises:
        InputError: If they do not.
    """
    name, n = type(kernel).__name__, n_examples(target.data)
    if kernel.exact and not settings.full_batch(n):
        rule = f"must be None for {name}, which accepts or rejects on the whole data"
        remedy = "Pass batch_size=None, or take SGLD on minibatches."
        raise InputError("batch_size", rule, settings.batch_size, remedy)
    if settings.burn_in < kernel.least_burn_in:
        remedy = 'Its steps are learned there; or pass adapt="always", which biases the draws.'
        rule = f"must be at least {kernel.least_burn_in} for {name}"
        raise InputError("burn_in", rule, settings.burn_in, remedy)
    if settings.accumulate > (most := settings.batch_size or n):
        rule = f"must be at most the batch size of {most}"
        raise InputError("accumulate", rule, settings.accumulate, "Lower it.")
    check_stability("localization", target.prior_precision, kernel)


def check_loss(at_center: Callable[[Data], Tensor], few: Data) -> Tensor:
    """Check the loss at the center on a few examples.

    Args:
        at_center: Losses of a batch at the center.
        few: A batch.

    Returns:
        The losses.

    Raises:
        InputError: If they have the wrong shape, are not finite, not repeatable, or depend on
            what else is in the batch.
    """
    losses = at_center(few)
    _check_losses(losses, n_examples(few))
    if not torch.equal(losses, at_center(few)):
        remedy = "Switch off dropout and augmentation inside the loss."
        rule = "must give the same numbers for the same batch"
        raise InputError("loss", rule, "two different results", remedy)
    _check_independence(at_center, few, losses)
    return losses


def check_components(
    losses: Tensor,
    parts: Mapping[str, tuple[Patch, View]],
    target: Target,
    kernel: Kernel,
    chunk: int,
) -> None:
    """Check what the components do to the loss, the step and the sharing on a few examples.

    Args:
        losses: Those of the first examples at the center, from `check_loss`.
        parts: Moved weights and the losses they give, by component.
        target: Loss, data and scale.
        kernel: The sampler.
        chunk: Examples per pass with a backward pass.

    Raises:
        InputError: If a component does not enter the loss, or if the step is unstable.
    """
    few = rows(target.data, slice(0, len(losses)))
    more = rows(target.data, slice(0, MORE))
    for name, (patch, view) in parts.items():
        _check_component(name, patch, view, few, losses)
        if math.isfinite(kernel.highest_precision) and not kernel.preconditioned and target.n_beta:
            reach = max(kernel.highest_precision**-0.5, RELATIVE_REACH * float(patch.center.norm()))
            limit = (kernel.highest_precision - target.prior_precision) / target.n_beta
            size = math.ceil(chunk / 2) if patch.long else chunk
            precision = target.n_beta * stiffest(view, patch, more, reach, limit, size)
            precision += target.prior_precision
            check_stability(f"the curvature of component {name}", precision, kernel)


def check_stability(what: str, precision: float, kernel: Kernel) -> None:
    """Require that the kernel is stable along a direction of this precision.

    Raises:
        InputError: If it is not; the largest stable step is named.
    """
    if precision < kernel.highest_precision:
        return
    largest = kernel.largest_step(precision)
    rule = (
        f"must be below {largest:.3g}, where {what} (precision {precision:.3g}) makes it unstable"
    )
    remedy = f"A twentieth of that, {largest / 20:.2g}, is a good start."
    raise InputError("step_size", rule, kernel.step_size, remedy)


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


def _check_independence(at_center: Callable[[Data], Tensor], few: Data, losses: Tensor) -> None:
    """The loss of an example must not depend on the batch it is in: it is compared across batches.

    Raises:
        InputError: If it does.
    """
    singles = [at_center(rows(few, slice(i, i + 1))) for i in range(len(losses))]
    for single in singles:
        _check_losses(single, 1)
    found, expected = torch.cat([per_example(single) for single in singles]), per_example(losses)
    rounding = torch.finfo(losses.dtype).eps
    gap = (found - expected).abs()
    if bool((gap > max(TOLERANCE, rounding) * (1 + expected.abs())).any()):
        rule = "must give an example the same loss whatever else is in the batch"
        remedy = "Compare with a fixed set instead of the other examples; see docs/data.md."
        raise InputError("loss", rule, f"losses up to {float(gap.max()):.3g} apart", remedy)


def _check_losses(losses: object, examples: int) -> None:
    if not (isinstance(losses, Tensor) and losses.is_floating_point()):
        found = str(losses.dtype) if isinstance(losses, Tensor) else type(losses).__name__
        remedy = "Return the losses as a tensor, without .item()."
        raise InputError("loss", "must return a tensor of floating-point numbers", found, remedy)
    if losses.ndim == 0 or losses.shape[0] != examples:
        remedy = "Return one loss per example (reduction='none'), examples along the first axis."
        raise InputError("loss", f"must have shape ({examples}, …)", tuple(losses.shape), remedy)
    if not bool(torch.isfinite(per_example(losses)).all()):
        remedy = "Check the weights and the data; a row needs at least two tokens, not masked."
        raise InputError("loss", "must be finite at the center", float(losses.mean()), remedy)


def _check_component(name: str, patch: Patch, view: View, few: Data, losses: Tensor) -> None:
    """The component must enter the loss, and the view must give the loss of the center there.

    Raises:
        InputError: If it does not.
    """
    weights = patch.center
    gradient = torch.zeros_like(weights)
    found, leaves = traced(view, few, weights, gradient)
    if not found.requires_grad:
        remedy = "Leave it out, or use a loss that depends on it."
        raise InputError(f"component {name}", "must enter the loss", "no gradient", remedy)
    torch.autograd.backward(found.mean(), inputs=leaves)
    parts = (gradient[span.entries] for span in patch.spans)
    if bad := sum(int((~torch.isfinite(part)).sum()) for part in parts):
        rule, got = "must have a finite gradient at the center", f"{bad} of {len(gradient)} without"
        remedy = "Look for a root, a logarithm or a quotient at zero in the loss."
        raise InputError(f"component {name}", rule, got, remedy)
    gap = float((found.detach() - per_example(losses)).abs().max())
    if gap > max(TOLERANCE, patch.rounding) * (1 + float(losses.abs().max())):
        remedy = "Pass sharing=False, and report this as a bug."
        raise InputError("loss", "must be the same with and without sharing", gap, remedy)
