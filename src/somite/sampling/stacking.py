"""Which engine: stacked where that is asked for or there is a GPU, and everything allows it."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from somite.components.patch import Patch
from somite.components.patch_stack import Form, PatchStack, form
from somite.core.errors import InputError
from somite.sampling.engine import Engine
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.preflight import FEW
from somite.sampling.probing import Observable
from somite.sampling.settings import ChainSettings
from somite.sampling.sharing import Sharing
from somite.sampling.stack import Group
from somite.sampling.stack_views import StackView, in_half, stack_view, why_not
from somite.sampling.stacked_engine import StackedEngine
from somite.sampling.target import Data, Target, rows
from somite.sampling.views import View

Parts = Mapping[str, tuple[Patch, View]]


def stacks(stacked: bool | None, device: torch.device | str, kernel: Kernel) -> bool:
    """Whether chains are to be stacked: if asked for, else on a GPU; never without the kernel.

    Args:
        stacked: What was asked for; None for no wish.
        device: Where the model is.
        kernel: The sampler.

    Example:
        >>> from somite.sampling.kernels import MALA, SGLD
        >>> stacks(None, "cuda", SGLD(1e-3)), stacks(None, "cuda", MALA(1e-3))
        (True, False)
    """
    wanted = torch.device(device).type == "cuda" if stacked is None else stacked
    return wanted and kernel.elementwise


def make_engine(
    center: nn.Module,
    target: Target,
    kernel: Kernel,
    plan: ChainSettings,
    probes: Mapping[str, Data | Observable],
    sharing: Sharing | None,
    parts: Parts,
) -> Engine:
    """The engine for these components; with a warning if it is not the one that was wanted.

    Args:
        center: The model at w*, in evaluation mode, without gradients.
        target: Loss, data and scale.
        kernel: Moves the weights.
        plan: Number and length of the chains, and what is wished for.
        probes: Fixed data sets to record, by name, or observables.
        sharing: What components share; None for nothing.
        parts: Moved weights and the losses they give, by component.

    Raises:
        InputError: If precision or compilation is asked for and there is no stack.
    """
    device = next(iter(parts.values()))[0].center.device
    groups: list[Group] = []
    reason = ""
    if stacks(plan.stacked, device, kernel):
        groups, reason = _groups(center, target, parts, sharing is not None)
    elif plan.stacked:
        reason = f"{type(kernel).__name__} does not treat every weight by itself"
    if reason or not groups:
        if plan.needs_stack:
            rule = "needs stacked chains"
            remedy = "Leave it out, or pass stacked=True with SGLD on a model that can be stacked."
            raise InputError(
                plan.needs_stack, rule, reason or "stacked chains not asked for", remedy
            )
        if reason:
            text = f"Chains are not stacked, which is slower on a GPU: {reason}"
            warnings.warn(text, stacklevel=3)
        return Engine(center, target, kernel, plan, probes, sharing)
    if plan.precision == "bf16":
        _check_precision(center)
        target = replace(target, loss=in_half(target.loss, device))
    engine = StackedEngine(center, target, kernel, plan, probes, sharing)
    engine.groups = [replace(group, view=_faster(group.view, plan, device)) for group in groups]
    return engine


def _groups(
    center: nn.Module, target: Target, parts: Parts, sharing: bool
) -> tuple[list[Group], str]:
    """Components of equal form, or the reason why some cannot be stacked."""
    weights, names, groups = dict(center.named_parameters()), dict[Form, list[str]](), []
    for name, (patch, _) in parts.items():
        names.setdefault(form(patch), []).append(name)
    few = rows(target.data, slice(0, FEW))
    for members in names.values():
        patches = [parts[name][0] for name in members]
        stack = PatchStack(patches, weights)
        view = stack_view(center, target.loss, patches, stack, sharing)
        if reason := why_not(view, [parts[name][1] for name in members], stack, few):
            return [], reason
        groups.append(Group(members, stack, view))
    return groups, ""


def _faster(view: StackView, plan: ChainSettings, device: torch.device) -> StackView:
    """The view in the precision asked for, compiled if asked for."""
    view = in_half(view, device) if plan.precision == "bf16" else view
    compiled: Callable[..., Tensor] = torch.compile(view) if plan.compile else view
    return compiled


def _check_precision(center: nn.Module) -> None:
    """Autocast takes single precision alone to half precision.

    Raises:
        InputError: If a weight has another one.
    """
    other = {str(w.dtype) for w in center.parameters() if w.dtype != torch.float32}
    if other:
        rule, remedy = "needs a model in single precision", 'Pass model.float(), or "full".'
        raise InputError("precision", rule, sorted(other), remedy)
