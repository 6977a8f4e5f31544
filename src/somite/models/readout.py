"""Cross-entropy of tokens straight from what the unembedding reads, in chunks that stay in cache.

    loss = log Σ_v exp(l_v) − l_target,   ∂loss/∂l = softmax(l) − onehot(target)

Logits are as large as all else in a small language model together. They are made, used for loss and
gradient, and overwritten by the next chunk; none of them is stored.
"""

from typing import Any

import torch
from torch import Tensor

from somite.models.product import product

CHUNK = {"cpu": 2**18, "cuda": 2**26}
"""Logits per chunk: 1 MB of single precision is what a core's cache holds."""


def token_losses(read: Tensor, unembed: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """−log p(target) of every token.

    Args:
        read: What the unembedding reads (token, d_model).
        unembed: (d_model, vocab); no gradient flows into it.
        bias: (vocab,) or None; no gradient flows into it.
        targets: (token,).

    Returns:
        Losses (token,) in nats, once differentiable in `read`.
    """
    losses: Tensor = _Losses.apply(read, unembed, bias, targets)  # type: ignore[no-untyped-call]
    return losses


class _Losses(torch.autograd.Function):
    """The gradient in what is read is made in the forward pass, while the logits are at hand."""

    @staticmethod
    def forward(
        ctx: Any, read: Tensor, unembed: Tensor, bias: Tensor | None, targets: Tensor
    ) -> Tensor:
        losses = torch.empty(len(read), dtype=_exact(read), device=read.device)
        gradient = torch.empty_like(read) if ctx.needs_input_grad[0] else None
        for part in _parts(len(read), unembed):
            logits = product(read[part], unembed)
            logits = logits if bias is None else logits.add_(bias)
            losses[part], slope = _cross_entropy(logits.to(losses.dtype), targets[part])
            if gradient is not None:
                gradient[part] = product(slope.to(read.dtype), unembed.T)
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        _once(torch.is_grad_enabled())
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[:, None].to(gradient.dtype), None, None, None


def _cross_entropy(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Losses, and their slopes in the logits: softmax less one at the target."""
    slope = torch.softmax(logits, -1)
    column = targets[:, None]
    # Below the likeliest token, whose probability is at least 1 / vocab: nothing under- or
    # overflows, and a small loss keeps its digits though the logits are large.
    losses = logits.amax(-1) - logits.gather(1, column)[:, 0] - slope.amax(-1).log()
    slope.scatter_add_(1, column, slope.new_full((), -1.0).expand(column.shape))
    return losses, slope


def _once(again: bool) -> None:
    """`once_differentiable` would take the slopes for constants if `upstream` is one.

    Raises:
        RuntimeError: If the gradient is to be differentiated again.
    """
    if again:
        raise RuntimeError("a loss without stored logits has no second derivative")


def _parts(tokens: int, matrix: Tensor) -> list[slice]:
    rows = max(1, CHUNK["cuda" if matrix.is_cuda else "cpu"] // matrix.shape[1])
    return [slice(start, start + rows) for start in range(0, tokens, rows)]


def _exact(like: Tensor) -> torch.dtype:
    return torch.promote_types(like.dtype, torch.float32)
