"""Weights of components compared without their gauge.

The matrices W_Q and W_K of a head can be changed together (W_Q → G W_Q, W_K → G⁻ᵀ W_K) without
changing what the head does, and so can W_V and W_O: only A = W_Qᵀ W_K and B = W_Oᵀ W_V mean
anything. A ReLU unit has a free scale, a tanh unit a free sign.

Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits" (A and B); Watanabe
2019, "Interpreting layered neural networks via hierarchical modular representation" (units by
what they read and write).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from somite.baselines.arrays import Array, matrix_between
from somite.baselines.weight_graph import checked_weights
from somite.behavior.composition import read_heads
from somite.core.errors import InputError
from somite.models.transformer import Transformer, head_names

PAIRS = {"QK": ("W_Q", "W_K"), "OV": ("W_O", "W_V")}


@torch.no_grad()
def head_singular_values(model: Transformer) -> xr.DataArray:
    """Singular values of A and B of each head, divided by their norm, largest first.

    Args:
        model: The model; left as it was.

    Returns:
        Dims (component, circuit, place), circuit "QK" or "OV", place up to d_head.

    Bad input:
        `InputError` if a head has no weight.

    Example:
        >>> from somite.models import TransformerConfig
        >>> model = Transformer(TransformerConfig(vocab_size=5, context=4, n_heads=2, d_head=3))
        >>> head_singular_values(model).sizes["place"]
        3
    """
    heads = read_heads(model)
    values = torch.stack([_singular_values(heads[a], heads[b]) for a, b in PAIRS.values()], dim=1)
    norm = values.norm(dim=-1, keepdim=True)
    names = list(head_names(model.config))
    _refuse_zero(norm[..., 0].numpy(), names)
    coords = {"component": names, "circuit": list(PAIRS)}
    return xr.DataArray((values / norm).numpy(), coords, ("component", "circuit", "place"))


@torch.no_grad()
def head_similarity(model: Transformer) -> xr.DataArray:
    """Cosine of two heads' matrices, singular values and vectors together, A and B averaged.

        s_ij = ½ ⟨A_i, A_j⟩ / (‖A_i‖ ‖A_j‖) + ½ ⟨B_i, B_j⟩ / (‖B_i‖ ‖B_j‖)

    Weights that read are taken behind the normalisation, as in `behavior.composition`.

    Args:
        model: The model; left as it was; at least two heads.

    Returns:
        Dims (component, other), from −1 to 1.

    Raises:
        InputError: If there is one head, or a head has no weight.

    Example:
        >>> from somite.models import TransformerConfig
        >>> model = Transformer(TransformerConfig(vocab_size=5, context=4, n_heads=2))
        >>> head_similarity(model).values.diagonal().round(6).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    heads, names = read_heads(model), list(head_names(model.config))
    if len(names) < 2:
        raise InputError("model", "must have at least two heads", len(names), "Use a larger one.")
    products = [_products(heads[a], heads[b]).numpy() for a, b in PAIRS.values()]
    norms = [np.sqrt(np.diagonal(product)) for product in products]
    _refuse_zero(np.stack(norms, axis=1), names)
    cosines = [p / n[:, None] / n for p, n in zip(products, norms, strict=True)]
    return matrix_between(np.mean(cosines, axis=0), names)


def neuron_similarity(weights: Sequence[Array]) -> xr.DataArray:
    """Cosine of what two hidden units of one layer read, and of what they write, averaged.

        s_ij = ½ |cos(w_i^in, w_j^in)| + ½ |cos(w_i^out, w_j^out)|;   0 between layers

    A unit's scale and sign have no bearing on it; biases are left out.

    Args:
        weights: W_l of each layer (out, in); at least two layers.

    Returns:
        Dims (component, other) over hidden units "l:i", between 0 and 1.

    Raises:
        InputError: If there is no hidden layer, or a unit has no incoming or no outgoing weight.

    Example:
        >>> neuron_similarity([np.eye(2), np.ones((1, 2))]).values.tolist()
        [[1.0, 0.5], [0.5, 1.0]]
    """
    found = checked_weights(weights)
    if len(found) < 2:
        raise InputError("weights", "must have a hidden layer", len(found), "Pass all layers.")
    widths = [len(w) for w in found[:-1]]
    names = [f"{layer}:{i}" for layer, width in enumerate(widths) for i in range(width)]
    array, start = np.zeros((len(names), len(names))), 0
    for into, out in pairwise(found):
        ends = slice(start, start := start + len(into))
        norms = np.stack([np.linalg.norm(into, axis=1), np.linalg.norm(out, axis=0)], axis=1)
        _refuse_zero(norms, names[ends])
        array[ends, ends] = (_cosines(into) + _cosines(out.T)) / 2
    return matrix_between(array, names)


def _cosines(rows: Array) -> Array:
    """Absolute cosines between rows."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found: Array = np.abs(unit @ unit.T)
    return found


def _refuse_zero(norms: Array, names: Sequence[str]) -> None:
    """Refuse components (component, part) of which a part is zero.

    Raises:
        InputError: If there is one.
    """
    if dead := [name for name, row in zip(names, norms, strict=True) if (row == 0).any()]:
        rule = "must not be zero for any component"
        raise InputError("weights", rule, f"zero for {', '.join(dead[:5])}", "Leave them out.")


def _singular_values(left: Tensor, right: Tensor) -> Tensor:
    """Singular values of leftᵀ right of each head, through the factors of both (head, d_head)."""
    factors = [torch.linalg.qr(w.transpose(-1, -2), mode="r").R for w in (left, right)]
    found: Tensor = torch.linalg.svdvals(factors[0] @ factors[1].transpose(-1, -2))
    return found


def _products(left: Tensor, right: Tensor) -> Tensor:
    """⟨left_iᵀ right_i, left_jᵀ right_j⟩ of all pairs of heads (head, head)."""
    first = torch.einsum("iam,jbm->ijab", left, left)
    return torch.einsum("ijab,ijab->ij", first, torch.einsum("iam,jbm->ijab", right, right))
