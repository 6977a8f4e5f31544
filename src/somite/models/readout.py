"""Cross-entropy of tokens straight from what the unembedding reads, in chunks that stay in cache.

    loss = log Σ_v exp(l_v) − l_target,   ∂loss/∂l = softmax(l) − onehot(target)

Logits are as large as all else in a small language model together. They are made, used for loss and
gradient, and overwritten by the next chunk; none of them is stored. Where the last layer's heads
are all that moves, a token's logits are those at the center plus a matrix of low rank, and only its
rank is computed anew.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from somite.models.transformer import Transformer

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
    losses: Tensor = _Dense.apply(read, unembed, bias, targets)  # type: ignore[no-untyped-call]
    return losses


def low_rank_losses(
    left: Tensor,
    right: Tensor,
    scale: Tensor,
    fixed: tuple[Tensor, Tensor, Tensor, Tensor],
    targets: Tensor,
) -> Tensor:
    """−log p(target) for the logits scale·(base + left·right − old_left·old_right) + bias.

    Args:
        left: (token, rank).
        right: (rank, vocab).
        scale: (token,).
        fixed: base (token, vocab), old_left, old_right and bias (vocab,), without gradients.
        targets: (token,).

    Returns:
        Losses (token,) in nats, once differentiable in left, right and scale.
    """
    losses: Tensor = _LowRank.apply(left, right, scale, *fixed, targets)  # type: ignore[no-untyped-call]
    return losses


@dataclass(frozen=True)
class Readout:
    """The end of a transformer with its norm taken apart: logits = scale·(residual·unembed) + bias.

    Args:
        unembed: With the norm's weight, and less its mean over d_model where the norm centers.
        base: residual·unembed at the center (token, vocab).
        bias: (vocab,).
    """

    unembed: Tensor
    base: Tensor
    bias: Tensor

    @classmethod
    @torch.no_grad()
    def at(cls, model: Transformer, residual: Tensor) -> "Readout":
        """The end of a model whose last norm reads a residual (token, d_model) at the center."""
        norm, bias = model.norm, model.unembed.new_zeros(model.config.vocab_size)
        unembed: Tensor = model.unembed
        if not isinstance(norm, nn.Identity):
            assert isinstance(norm, nn.LayerNorm | nn.RMSNorm)
            unembed = norm.weight[:, None] * unembed
        if isinstance(norm, nn.LayerNorm):
            unembed = unembed - unembed.mean(0)
            bias = norm.bias @ model.unembed
        bias = bias + model.b_U if model.config.bias else bias
        return cls(unembed, residual @ unembed, bias)


def inverse_norm(norm: nn.Module, residual: Tensor) -> Tensor:
    """What LayerNorm or RMSNorm multiplies a residual (token, d_model) by (token,); 1 for none."""
    if isinstance(norm, nn.Identity):
        return torch.ones_like(residual[:, 0])
    if isinstance(norm, nn.LayerNorm):
        return (residual.var(-1, correction=0) + norm.eps).rsqrt()
    assert isinstance(norm, nn.RMSNorm)
    eps = torch.finfo(residual.dtype).eps if norm.eps is None else norm.eps
    return (residual.square().mean(-1) + eps).rsqrt()


class _Dense(torch.autograd.Function):
    """The gradient in what is read is made in the forward pass, while the logits are at hand."""

    @staticmethod
    def forward(
        ctx: Any, read: Tensor, unembed: Tensor, bias: Tensor | None, targets: Tensor
    ) -> Tensor:
        losses = torch.empty(len(read), dtype=_exact(read), device=read.device)
        gradient = torch.empty_like(read) if ctx.needs_input_grad[0] else None
        for part in _parts(len(read), unembed):
            logits = torch.mm(read[part], unembed)
            logits = logits if bias is None else logits.add_(bias)
            losses[part], slope = _cross_entropy(logits.to(losses.dtype), targets[part])
            if gradient is not None:
                torch.mm(slope.to(read.dtype), unembed.T, out=gradient[part])
        if gradient is not None:
            ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        _once(torch.is_grad_enabled())
        (gradient,) = ctx.saved_tensors
        return gradient * upstream[:, None].to(gradient.dtype), None, None, None


class _LowRank(torch.autograd.Function):
    """The slopes in the logits are kept for the gradient of `right`, a sum over all tokens.

    The bias is one more row of `right`, on the left 1 / scale: no pass over the logits for it.
    """

    @staticmethod
    def forward(
        ctx: Any,
        left: Tensor,
        right: Tensor,
        scale: Tensor,
        base: Tensor,
        old_left: Tensor,
        old_right: Tensor,
        bias: Tensor,
        targets: Tensor,
    ) -> Tensor:
        lefts = torch.cat([left, -old_left, scale.reciprocal()[:, None]], 1)
        rights = torch.cat([right, old_right, bias[None]])
        pulling = torch.cat([right, bias[None]]).T.contiguous()
        losses, along, pulls = (torch.empty_like(x) for x in (scale, scale, left))
        slopes = []
        for part in _parts(len(left), right):
            logits = torch.addmm(base[part], lefts[part], rights).mul_(scale[part, None])
            losses[part], slope = _cross_entropy(logits, targets[part])
            if any(ctx.needs_input_grad):
                pull, offset = (slope @ pulling).split([left.shape[1], 1], 1)
                pulls[part] = pull
                along[part] = torch.linalg.vecdot(slope, logits) - offset[:, 0]
                slopes.append(slope)
        if slopes:
            ctx.save_for_backward(left, scale, pulls, along, *slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        _once(torch.is_grad_enabled())
        left, scale, pulls, along, *slopes = ctx.saved_tensors
        weight = (upstream * scale)[:, None]
        weighted = (left * weight).split([len(slope) for slope in slopes])
        right = sum(part.T @ slope for part, slope in zip(weighted, slopes, strict=True))
        return pulls * weight, right, along * upstream / scale, *[None] * 5


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
