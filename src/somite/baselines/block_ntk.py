"""Alignment of the tangent kernels of components' weights.

Sources: Jacot, Gabriel and Hongler 2018 (1806.07572) for the kernel; Cortes, Mohri and Rostamizadeh
2012 for the centered alignment, debiased as in Song et al. 2012.
"""

from collections.abc import Mapping

import torch
import xarray as xr
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_map

from somite.baselines.arrays import checked, component_names, matrix_between, require_active
from somite.baselines.hsic import FEWEST, GramSums, alignment
from somite.components import Mask, components
from somite.core.errors import InputError
from somite.sampling.target import Data, Loss, check_data, per_example
from somite.sampling.views import LossModule


def gradient_grams(
    model: nn.Module, loss: Loss, data: Data, masks: Mapping[str, Mask]
) -> xr.DataArray:
    """Inner products between examples of the gradients of a component's weights.

        K_C(x, x') = Σ_{w in C} ∂L(x)/∂w · ∂L(x')/∂w

    Args:
        model: The model; left as it was. Examples must not see each other (no batch statistics).
        loss: `loss(model, batch)`, losses with the examples along the first axis.
        data: Examples along the first axis.
        masks: Components by name.

    Returns:
        Dims (component, example, other_example). The gradients of all examples are in memory.

    Bad input:
        `InputError` if the data are no data, or a mask does not fit the model.

    Example:
        >>> model = nn.Linear(1, 1, bias=False)
        >>> masks = {"w": Mask({"weight": torch.tensor([[True]])})}
        >>> grams = gradient_grams(model, lambda m, x: m(x), torch.tensor([[1.0], [3.0]]), masks)
        >>> grams.values.tolist()
        [[[1.0, 3.0], [3.0, 9.0]]]
    """
    check_data("data", data)
    masks = components(model, masks)
    rows = _example_gradients(model, loss, data)
    grams = []
    for mask in masks.values():
        own = [rows[n][:, chosen.to(rows[n].device)] for n, chosen in mask.entries.items()]
        flat = torch.cat(own, dim=1).double()
        grams.append(flat @ flat.T)
    dims = ("component", "example", "other_example")
    return xr.DataArray(torch.stack(grams).cpu().numpy(), {"component": list(masks)}, dims)


def block_ntk(grams: xr.DataArray, debiased: bool = True) -> xr.DataArray:
    """Alignment of two components' tangent kernels: do their weights learn from the same examples?

    CKA of the Gram matrices of `gradient_grams`. Components may have different numbers of weights.

    Args:
        grams: Dims (component, example, other_example), at least 4 examples.
        debiased: Whether to use the unbiased estimate of each HSIC.

    Returns:
        Dims (component, other), 1 on the diagonal.

    Raises:
        InputError: If the array is no such array, or a component has no gradient or too little
            variance for its examples.

    Example:
        >>> import numpy as np
        >>> one = np.outer(np.arange(5.0), np.arange(5.0))
        >>> dims = ("component", "example", "other_example")
        >>> block_ntk(xr.DataArray([one, 4 * one], dims=dims)).values.round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    array = checked("gradient_grams", grams, ("component", "example", "other_example"), FEWEST)
    if array.shape[1] != array.shape[2]:
        rule, remedy = "must be square", "Give the same examples along both dims."
        raise InputError("gradient_grams", rule, array.shape[1:], remedy)
    require_active("gradient_grams", grams, array)
    return matrix_between(
        alignment("gradient_grams", GramSums.of_grams(array), debiased), component_names(grams)
    )


def _example_gradients(model: nn.Module, loss: Loss, data: Data) -> dict[str, Tensor]:
    """Gradients of each example's loss, by the weight's name (example, …)."""
    module = LossModule(model, loss)
    weights = {f"model.{n}": w.detach() for n, w in model.named_parameters()}

    def of_one(moved: dict[str, Tensor], example: Data) -> Tensor:
        batch = tree_map(lambda tensor: tensor[None], example)
        return per_example(functional_call(module, moved, (batch,)))[0]

    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no rule for examples side by side
        found = vmap(grad(of_one), in_dims=(None, 0))(weights, data)
    return {name.removeprefix("model."): rows for name, rows in found.items()}
