"""The test that slices are a head: its output is set to zero, and they alone fall silent.

With the output of head h set to zero, the gradient of any score of the logits vanishes at every
weight that acts through h only, and at no other. So the rows and columns of the attention's
matrices that lose their gradient must be those of the head's mask. With all heads of a group
silent, their shared keys and values must follow.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from somite.components.cuts import Cut
from somite.components.families.attention import Attention
from somite.components.families.family import REMEDY
from somite.core.errors import InputError
from somite.core.random import stream

ROWS, LENGTH = 4, 8
"""Random tokens on which a test runs."""


def have_heads(model: nn.Module, layers: Sequence[Attention]) -> bool:
    """Whether one layer of every shape has the heads that are claimed."""
    try:
        shapes = {tuple(w.shape for w in one.own.values()): one for one in layers if one.cuts}
        return bool(shapes) and all(falls_silent(model, one) for one in shapes.values())
    except InputError:  # the shapes are not those of the claim
        return False


def falls_silent(model: nn.Module, attention: Attention) -> bool:
    """Whether every head of a layer is what falls silent with its output.

    Args:
        model: The decoder; it stays as it is.
        attention: A layer with the slices that are claimed.

    Returns:
        Whether the claim holds for all heads and groups.
    """
    # Everything is copied but the weights, so that the caller's model gets no hook.
    own = copy.deepcopy(model, {id(p): p for p in model.parameters()}).eval()
    matrices = [name for name, weight in attention.own.items() if weight.ndim == 2]
    speaking = slopes(own, attention, matrices, [])
    groups = range(attention.groups)
    claims = [([head], [head]) for head in range(attention.heads)]
    claims += [([*(m := attention.members(g))], [*m, attention.heads + g]) for g in groups]
    for heads, units in claims:
        silent = slopes(own, attention, matrices, heads)
        # With all heads silent, so are matrices that none of them owns.
        names = attention.cuts if len(heads) == attention.heads else matrices
        for name in (n for n in names if n in speaking):
            if not _as_claimed(speaking[name], silent[name], attention.cuts.get(name), units):
                return False
    return True


@torch.enable_grad()
def slopes(
    model: nn.Module, attention: Attention, names: Sequence[str], heads: Sequence[int]
) -> dict[str, Tensor]:
    """Gradients of a random score of the logits with the outputs of some heads set to zero.

    Args:
        model: The decoder, in evaluation mode; a hook is put in and taken out.
        attention: The layer of the heads.
        names: Weights whose gradients are wanted.
        heads: Those whose output is zero.

    Returns:
        Gradients by name.

    Raises:
        InputError: If what is given to the output projection is not of the heads' width.
    """
    leaves = {name: attention.weights[name].detach().requires_grad_() for name in names}
    first = next(iter(leaves.values()))
    output = f"{attention.output}.weight"
    cut = attention.cuts[output]
    silent = torch.isin(torch.tensor(cut.owners), torch.tensor(heads, dtype=torch.long))
    keep = (~silent).to(first.device, first.dtype)

    def cover(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        if given[0].shape[-1] != len(keep):
            rule, got = f"must be given {len(keep)} numbers for each token", given[0].shape[-1]
            raise InputError(attention.output, rule, got, REMEDY)
        return given[0] * keep, *given[1:]

    hook = model.get_submodule(attention.output).register_forward_pre_hook(cover)
    try:
        found = functional_call(model, leaves, (), {"input_ids": _tokens(model, first.device)})
    finally:
        hook.remove()
    logits = found.logits.double()
    direction = torch.randn(logits.shape[-1], generator=stream("zeroing test", "score"))
    score = (logits.tanh() @ direction.to(logits)).sum()
    found = torch.autograd.grad(score, list(leaves.values()), materialize_grads=True)
    return dict(zip(names, found, strict=True))


def _as_claimed(speaking: Tensor, silent: Tensor, cut: Cut | None, units: Sequence[int]) -> bool:
    """Whether exactly the claimed rows (or columns) of a matrix lost their gradient."""
    for axis in (0, 1) if cut is None else (cut.axis,):
        before = speaking.abs().amax(1 - axis) > 0
        after = silent.abs().amax(1 - axis) > 0
        if cut is None or cut.owners is None:
            claimed = torch.zeros_like(before)
        else:
            owners = torch.tensor(cut.owners, device=before.device)
            claimed = torch.isin(owners, torch.tensor(units, device=before.device))
            if claimed.any() and not (before & claimed).any():
                return False  # it never spoke: nothing is shown
        if bool((after & claimed).any()) or bool((before & ~after & ~claimed).any()):
            return False
    return True


def _tokens(model: nn.Module, device: torch.device) -> Tensor:
    vocabulary = model.get_input_embeddings().weight.shape[0]  # type: ignore[operator]
    generator = stream("zeroing test", "tokens")
    return torch.randint(vocabulary, (ROWS, LENGTH), generator=generator).to(device)
