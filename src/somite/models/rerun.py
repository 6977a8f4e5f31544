"""Layers of a transformer run again by the fastest kernels; to rounding the numbers of the model.

The queries, keys and values of all heads are one product. Positions that are added where queries
and keys are read pass through their weights on their own, once for all examples.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from somite.models.product import product
from somite.models.transformer import Transformer, rotate


def run_block(model: Transformer, layer: int, residual: Tensor) -> Tensor:
    """Residual stream above a block (batch, position, d_model).

    Args:
        model: Its weights do not move.
        layer: The block.
        residual: What it reads (batch, position, d_model).

    Returns:
        Differentiable in the residual.
    """
    attn = model.block(layer).attn
    weights = attn.weights()
    gathered = mixed(model, layer, model.block(layer).norm_attn(residual), weights)
    return close(model, layer, residual + times(gathered, weights["W_O"].flatten(0, 1)))


def mixed(model: Transformer, layer: int, plain: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """Values that the given heads of a layer gather (batch, position, head * d_head).

    Args:
        model: Holds the positions.
        layer: Of the heads.
        plain: Normalised residual (batch, position, d_model).
        weights: `W_Q`, `W_K`, `W_V` (head, d_head, d_model), and their biases where there are any.

    Returns:
        Differentiable in both.
    """
    heads, width = weights["W_V"].shape[:2]
    matrix = torch.cat([weights[f"W_{letter}"].flatten(0, 1) for letter in "QKV"]).T
    found = times(plain, matrix)
    if (place := model.place(plain)) is not None:
        located = heads * width * 2
        found = found + F.pad(product(place, matrix[:, :located]), (0, heads * width))
    if "b_Q" in weights:
        found = found + torch.cat([weights[f"b_{letter}"].flatten() for letter in "QKV"])
    query, key, value = (
        part.unflatten(-1, (heads, width)).transpose(1, 2) for part in found.chunk(3, -1)
    )
    if model.config.positions == "rotary":
        query, key = rotate(query), rotate(key)
    gathered = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return gathered.transpose(1, 2).flatten(2)


def close(model: Transformer, layer: int, residual: Tensor) -> Tensor:
    """Add what follows the heads of a layer: their common bias and the MLP."""
    block = model.block(layer)
    if model.config.bias:
        residual = residual + block.attn.b_O
    if not block.has_mlp:
        return residual
    hidden = F.gelu(_linear(block.mlp.up, block.norm_mlp(residual)))
    return residual + _linear(block.mlp.down, hidden)


def times(x: Tensor, matrix: Tensor) -> Tensor:
    """The product x · matrix for x (batch, position, …)."""
    found: Tensor = product(x.flatten(0, 1), matrix).unflatten(0, x.shape[:2])
    return found


def _linear(linear: nn.Linear, x: Tensor) -> Tensor:
    return times(x, linear.weight.T) + linear.bias
