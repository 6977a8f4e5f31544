"""Attention written out head by head, with slices that masks cut out of fused tensors."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import somite as so

Scores = Callable[[int, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Fused:
    """Where a family keeps its attention, and how it brings in positions.

    Args:
        attention: Name of the second layer's attention.
        projection: Fused tensor of queries, keys and values.
        output: Output projection.
        scores: Function of (head, queries, keys).
        transposed: Whether tensors are (in, out).
    """

    attention: str
    projection: str
    output: str
    scores: Scores
    transposed: bool = False

    def module(self, model: nn.Module, name: str) -> nn.Module:
        """The projection or the output."""
        return model.get_submodule(f"{self.attention}.{name}")

    def head(self, model: nn.Module, masks: list[so.Mask]) -> dict[str, Tensor]:
        """Q, K, V (d_head, d_model) with biases (d_head,), O (d_head, d_model), from masks."""
        rows = [self.slices(model, mask, self.projection) for mask in masks]
        found = {"O": self.slices(model, masks[0], self.output, turned=True)}
        found |= dict(zip("QKV", torch.cat(rows).chunk(3), strict=True))
        name = f"{self.attention}.{self.projection}.bias"
        weights = dict(model.named_parameters())
        if name in weights:
            bias = torch.cat([weights[name][mask.entries[name]] for mask in masks])
            found |= {f"{k} bias": part for k, part in zip("QKV", bias.chunk(3), strict=True)}
        return found

    def slices(self, model: nn.Module, mask: so.Mask, part: str, turned: bool = False) -> Tensor:
        """Selected rows of a projection, or selected columns of the output."""
        weight, chosen = (
            self.module(model, part).weight,
            mask.entries[f"{self.attention}.{part}.weight"],
        )
        if self.transposed is not turned:
            weight, chosen = weight.T, chosen.T
        return weight[chosen].view(-1, weight.shape[1])


def head_output(x: Tensor, head: dict[str, Tensor], number: int, scores: Scores) -> Tensor:
    """What a head adds to what it reads, x (batch, position, d_model)."""
    q, k, v = (x @ head[letter].T + head.get(f"{letter} bias", 0) for letter in "QKV")
    later = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    pattern = scores(number, q, k).masked_fill(later, -torch.inf).softmax(-1)
    return pattern @ v @ head["O"]


def plain(number: int, q: Tensor, k: Tensor) -> Tensor:
    """Scores without positions."""
    return q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5


def rotary(turned: int) -> Scores:
    """Scores with the first `turned` coordinates of queries and keys turned, halves paired."""

    def turn(x: Tensor) -> Tensor:
        rate = 10000.0 ** (-torch.arange(0, turned, 2, dtype=x.dtype) / turned)
        angle = torch.arange(x.shape[-2], dtype=x.dtype)[:, None] * rate
        first, second = x[..., : turned // 2], x[..., turned // 2 : turned]
        cos, sin = angle.cos(), angle.sin()
        moved = [first * cos - second * sin, second * cos + first * sin, x[..., turned:]]
        return torch.cat(moved, -1)

    return lambda number, q, k: plain(number, turn(q), turn(k))


def alibi(number: int, q: Tensor, k: Tensor) -> Tensor:
    """Scores with a penalty growing with the distance, of three heads."""
    place = torch.arange(q.shape[-2], dtype=q.dtype)
    slope = (1 / 16, 1 / 256, 1 / 4)[number]
    return plain(number, q, k) - slope * (place[:, None] - place)


FUSED = {
    "gpt2": Fused("transformer.h.1.attn", "c_attn", "c_proj", plain, transposed=True),
    "gpt_neox": Fused("gpt_neox.layers.1.attention", "query_key_value", "dense", rotary(2)),
    "bloom": Fused("transformer.h.1.self_attention", "query_key_value", "dense", alibi),
    "mpt": Fused("transformer.blocks.1.attn", "Wqkv", "out_proj", alibi),
    "falcon": Fused("transformer.h.1.self_attention", "query_key_value", "dense", rotary(4)),
    "falcon, several keys": Fused(
        "transformer.h.1.self_attention", "query_key_value", "dense", rotary(4)
    ),
    "phi3": Fused("model.layers.1.self_attn", "qkv_proj", "o_proj", rotary(4)),
    "gpt_bigcode": Fused("transformer.h.1.attn", "c_attn", "c_proj", plain),
}
