"""Composition: how much of what one head reads was written by an earlier one.

With the matrices of a head, which act on columns of the residual stream,

    A = W_Qᵀ W_K   (what of a query goes with what of a key)
    B = W_Oᵀ W_V   (what is written where something is read)

a later head t reads the writing of an earlier head s through its queries, keys or values:

    Q: ‖A_tᵀ B_s‖ / (‖A_t‖ ‖B_s‖)    K: ‖A_t B_s‖ / (‖A_t‖ ‖B_s‖)    V: ‖B_t B_s‖ / (‖B_t‖ ‖B_s‖)

in Frobenius norms. A and B, unlike W_Q, W_K, W_V and W_O, do not change when the coordinates inside
a head are changed. Weights that read are taken behind the normalisation: its gain is multiplied
in, and for LayerNorm the mean over the stream is taken off. Biases and rotations by position are
left out.

Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits", composition.
"""

import torch
import xarray as xr
from torch import Tensor, nn

from somite.core.checks import at_least, finite_weights
from somite.core.random import stream
from somite.models.transformer import Transformer, TransformerConfig, head_names

Heads = dict[str, Tensor]

_THROUGH = {"Q": ("W_K", "W_Q"), "K": ("W_Q", "W_K"), "V": ("W_O", "W_V")}
"""The target's factors: Q is (W_Kᵀ W_Q) B_s, K is (W_Qᵀ W_K) B_s, V is (W_Oᵀ W_V) B_s."""


@torch.no_grad()
def composition(model: Transformer, seed: int = 0, n_random: int = 100) -> xr.Dataset:
    """Composition strengths between all pairs of heads of different layers.

    Args:
        model: The model; left as it was.
        seed: Seed of the stream (seed, "composition") of random matrices.
        n_random: Pairs of random heads whose mean strength is subtracted.

    Returns:
        Dataset over (kind, source, target), kind "Q", "K" or "V": `strength` as in the formulas,
        between 0 and 1, and `excess`, strength minus that of random heads; NaN where the source
        does not lie in an earlier layer. Without dims: `random_strength`, the mean over heads of
        independent normal weights of equal shape, and its `random_standard_error`. A head without
        weight composes with none: strength 0.

    Bad input:
        `InputError` if weights are not finite, or there are fewer than two random pairs.
    """
    at_least("n_random", n_random, 2)
    finite_weights("model", dict(model.named_parameters()))
    strength = _strengths(read_heads(model))
    strength[:, ~_earlier(model.config)] = torch.nan
    drawn = _random_strengths(model.config, n_random, seed)
    chance, error = drawn.mean().item(), (drawn.std() / n_random**0.5).item()
    dims, names = ("kind", "source", "target"), list(head_names(model.config))
    return xr.Dataset(
        {
            "strength": (dims, strength.numpy()),
            "excess": (dims, strength.numpy() - chance),
            "random_strength": chance,
            "random_standard_error": error,
        },
        coords={"kind": list(_THROUGH), "source": names, "target": names},
    )


def _strengths(heads: Heads) -> Tensor:
    """Strengths between all heads, whatever their layers (kind, source, target)."""
    writing, reading = heads["W_O"], heads["W_V"]
    norm_source = _product_norm(writing, reading)[:, None]
    kinds = []
    for outer, inner in _THROUGH.values():
        left, right = heads[outer], heads[inner]
        # (W_outerᵀ W_inner)(W_Oᵀ W_V) with the d_head by d_head matrix in the middle first
        middle = torch.einsum("tam,sbm->stab", right, writing)
        norm_both = _chain_norm(left, middle, reading)
        norms = norm_source * _product_norm(left, right)
        kinds.append(torch.where(norms > 0, norm_both / norms, torch.zeros_like(norms)))
    return torch.stack(kinds)


def _product_norm(left: Tensor, right: Tensor) -> Tensor:
    """‖leftᵀ right‖ of each head (head,), both (head, d_head, d_model)."""
    norm: Tensor = torch.linalg.matrix_norm(left.transpose(-1, -2) @ right)
    return norm


def _chain_norm(left: Tensor, middle: Tensor, right: Tensor) -> Tensor:
    """‖left_tᵀ middle_st right_s‖ (source, target).

    Through the factors R of left = QR (transposed), whose orthogonal part has no bearing on it.
    """
    before = torch.linalg.qr(left.transpose(-1, -2), mode="r").R  # (target, ≤ d_head, d_head)
    after = torch.linalg.qr(right.transpose(-1, -2), mode="r").R
    norm: Tensor = torch.linalg.matrix_norm(before @ middle @ after.transpose(-1, -2)[:, None])
    return norm


def read_heads(model: Transformer) -> Heads:
    """Weights of all heads, those that read taken behind the normalisation.

    Args:
        model: The model; left as it was.

    Returns:
        W_Q, W_K, W_V and W_O, each (head, d_head, d_model), float64, on the CPU; heads in the order
        of `head_names`.
    """
    layers: list[Heads] = []
    for layer in range(model.config.n_layers):
        block = model.block(layer)
        weights = {n: w.detach().double().cpu() for n, w in block.attn.weights().items()}
        gain = torch.ones(model.config.d_model)
        if model.config.norm != "none":
            assert isinstance(block.norm_attn, nn.LayerNorm | nn.RMSNorm)
            gain = block.norm_attn.weight.detach()
        layers.append(_behind_norm(weights, gain.double().cpu(), model.config.norm))
    return {name: torch.cat([layer[name] for layer in layers]) for name in layers[0]}


def _behind_norm(weights: Heads, gain: Tensor, norm: str) -> Heads:
    """The four matrices, those that read multiplied by what the normalisation does."""
    read = {name: weights[name] * gain for name in ("W_Q", "W_K", "W_V")}
    if norm == "layer":
        read = {name: weight - weight.mean(-1, keepdim=True) for name, weight in read.items()}
    return {**read, "W_O": weights["W_O"]}


def _random_strengths(config: TransformerConfig, number: int, seed: int) -> Tensor:
    """Strengths between pairs of random heads (number,); Q, K and V have the same law."""
    generator = stream(seed, "composition")
    shape = (2, config.d_head, config.d_model)
    found = []
    for _ in range(number):
        drawn = {
            name: torch.randn(shape, generator=generator, dtype=torch.float64)
            for name in ("W_Q", "W_K", "W_V", "W_O")
        }
        behind = _behind_norm(drawn, torch.ones(config.d_model, dtype=torch.float64), config.norm)
        found.append(_strengths(behind)[1, 0, 1])
    return torch.stack(found)


def _earlier(config: TransformerConfig) -> Tensor:
    """Whether the first head's layer lies below the second's (source, target)."""
    layer = torch.arange(config.n_layers).repeat_interleave(config.n_heads)
    return layer[:, None] < layer
