"""Components that serve the same outputs: correlation of their refined coefficients.

    λ_Cj = λ of component C on the loss of output j alone,   similarity = corr over j of λ_Aj, λ_Bj

For a classifier output j is a label: the part of the Fisher matrix that examples with this label,
drawn from the model, make. Two ReLU neurons of one module often fire on different examples and so
share hardly any direction: their interaction is small, their profiles over outputs are alike.

Where all tasks share one output, profiles over inputs tell them apart: for binary input b

    p_Cb = |λ_C on the examples with b high − λ_C on those with b low|

is large where the component's part in the network depends on b.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from somite.core.errors import InputError
from somite.curvature import gauss_newton_root
from somite.models import MLP, balanced
from somite.modularity.series import Array
from somite.theory.gaussian import gaussian_llc
from somite.truths.interactions import LOCALIZATION, N_BETA, curvature_root
from somite.truths.kinds import active
from somite.truths.truth import GroundTruth


def refined_profiles(truth: GroundTruth) -> xr.DataArray:
    """λ_Cj over active weights by Gauss-Newton, dims (component, output).

    ReLU networks are brought to the weights of least norm first, so that no rescaling of neurons
    changes what is active.

    A truth that is no network of neurons is refused.

    Args:
        truth: A network of neurons.
    """
    model = _least_norm(truth)
    rows = curvature_root(replace(truth, model=model)).rows
    width = model.widths[-1]
    found = [
        [_llc(part.unflatten(0, (-1, width))[:, j]) for j in range(width)] for part in rows.values()
    ]
    return xr.DataArray(found, {"component": list(rows)}, ("component", "output"))


def refined_similarity(truth: GroundTruth) -> xr.DataArray:
    """Correlation of profiles over outputs, dims (component, other).

    Components whose coefficient is the same on every output are left out.
    """
    profiles = refined_profiles(truth)
    differ = profiles.std("output") > 0
    kept = profiles.isel(component=differ.values)
    names = kept.component.values.tolist()
    values = np.atleast_2d(np.corrcoef(kept.values))
    return xr.DataArray(values, {"component": names, "other": names}, ("component", "other"))


def input_profiles(
    truth: GroundTruth,
    x: Tensor,
    inputs: Sequence[int],
    counts: Array,
    scale: tuple[float, float] = (N_BETA, LOCALIZATION),
) -> Array:
    """p_Cb of the module's head for every component and input, on resampled examples.

    By Gauss-Newton over active weights, at the weights of least norm as `refined_profiles`. An
    input is high where it is above its mean.

    Args:
        truth: A classifier made of neurons.
        x: Examples (example, input).
        inputs: Numbers of the inputs that make up the profiles.
        counts: How often each example is taken (replicate, example); ones for the plain profile.
        scale: n_beta and localization.

    Returns:
        Profiles (replicate, component, input).

    Raises:
        InputError: If an input is high, or low, in no example that is taken.
    """
    model = _least_norm(truth)
    masks = {name: active(model, mask) for name, mask in truth.components.items()}
    root = gauss_newton_root(model, lambda model, x: model(x), x, masks, "logits")
    chosen = x[:, list(inputs)].double().T
    high = chosen > chosen.mean(1, keepdim=True)
    halves = torch.stack([high, ~high]).double()  # (half, input, example)
    weights = torch.from_numpy(counts).double()[:, None, None] * halves
    size = weights.mean(-1, keepdim=True)
    if not bool((size > 0).all()):
        rule, remedy = "must be high in some examples and low in others", "Leave that one out."
        raise InputError("inputs", rule, "one that is not", remedy)
    llc = torch.stack([_weighted_llc(rows, weights / size, *scale) for rows in root.rows.values()])
    found: Array = (llc[:, :, 0] - llc[:, :, 1]).abs().transpose(0, 1).numpy()
    return found


def _least_norm(truth: GroundTruth) -> MLP:
    """The network of a truth, rescaled to its smallest weights where that changes nothing else.

    Raises:
        InputError: If the truth is no network of neurons.
    """
    if not isinstance(truth.model, MLP):
        remedy = "Pass a ground truth whose components are neurons."
        raise InputError("truth", "must be an MLP", type(truth.model).__name__, remedy)
    return balanced(truth.model) if truth.model.activation == "relu" else truth.model


def _weighted_llc(rows: Tensor, weights: Tensor, n_beta: float, localization: float) -> Tensor:
    """λ (…) of a block's root (row, weight) on weighted examples (…, example)."""
    each = rows.unflatten(0, (weights.shape[-1], -1))  # (example, output, weight)
    squares = each.transpose(1, 2) @ each
    matrix = torch.tensordot(weights, squares, 1)
    stiff = n_beta * torch.linalg.eigvalsh(matrix).clamp(min=0)
    found: Tensor = (stiff / (stiff + localization)).sum(-1) / 2
    return found


def _llc(rows: Tensor) -> float:
    wide = rows.shape[1] > rows.shape[0]
    values = torch.linalg.eigvalsh(rows @ rows.T if wide else rows.T @ rows)
    return gaussian_llc(values.clamp(min=0).numpy(), N_BETA, LOCALIZATION)
