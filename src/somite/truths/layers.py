"""What can be read of linear networks: what layers put out, and how their weights compose."""

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import BlockLinear, DeepLinear
from somite.truths.truth import GroundTruth


def layer_outputs(truth: GroundTruth, examples: int) -> xr.DataArray:
    """What each component puts out for normal inputs, (component, example, feature).

    Features are those of the whole layer; those of other components are 0.

    Args:
        truth: A linear network; components are named "block:layer".
        examples: How many.
    """
    dense, parts = _parts(truth)
    generator = stream("inputs of layers")
    width = dense.truth.shape[1]
    x = torch.randn(examples, width, generator=generator, dtype=dense.truth.dtype)
    reached = [x]
    for weight in dense.weights:
        reached.append(reached[-1] @ weight.detach().T)
    most = max(len(weight) for weight in dense.weights)
    found = np.zeros((len(parts), examples, most))
    for row, (name, part) in enumerate(parts.items()):
        outputs = reached[int(name.split(":")[1])] @ part.T
        found[row, :, : outputs.shape[1]] = outputs.numpy()
    return xr.DataArray(found, {"component": list(parts)}, ("component", "sample", "feature"))


def composed(truth: GroundTruth) -> xr.DataArray:
    """‖W_B W_A‖ / (‖W_B‖ ‖W_A‖), B in the layer above A; 0 for all other pairs.

    Args:
        truth: A linear network; components are named "block:layer".

    Source: Elhage et al. 2021, composition, of layers instead of heads.
    """
    _, parts = _parts(truth)
    names = list(parts)
    values = np.zeros((len(names),) * 2)
    for i, below in enumerate(names):
        for j, above in enumerate(names):
            if int(above.split(":")[1]) == int(below.split(":")[1]) + 1:
                scale = float(parts[above].norm() * parts[below].norm())
                strength = float((parts[above] @ parts[below]).norm())
                values[i, j] = values[j, i] = strength / scale if scale > 0 else 0.0
    return xr.DataArray(values, {"component": names, "other": names}, ("component", "other"))


def _parts(truth: GroundTruth) -> tuple[DeepLinear, dict[str, Tensor]]:
    """The dense network, and of each component its layer's weights with all others at 0.

    Raises:
        InputError: If the truth is no linear network.
    """
    model = truth.model
    if isinstance(model, BlockLinear):
        dense, masks = model.dense(), model.dense_components()["layers"]
    elif isinstance(model, DeepLinear):
        dense, masks = model, dict(truth.components)
    else:
        remedy = "Pass a ground truth of `block_linear`."
        raise InputError("truth", "must be a linear network", type(model).__name__, remedy)
    weights = dict(dense.named_parameters())
    found = {}
    for name, mask in masks.items():
        ((tensor, entries),) = mask.entries.items()
        found[name] = weights[tensor].detach() * entries
    return dense, found
