"""Components that serve the same outputs: correlation of their refined coefficients.

    λ_Cj = λ of component C on the loss of output j alone,   similarity = corr over j of λ_Aj, λ_Bj

For a classifier output j is a label: the part of the Fisher matrix that examples with this label,
drawn from the model, make. Two ReLU neurons of one module often fire on different examples and so
share hardly any direction: their interaction is small, their profiles over outputs are alike.
"""

from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from somite.core.errors import InputError
from somite.models import MLP, balanced
from somite.theory.gaussian import gaussian_llc
from somite.truths.interactions import LOCALIZATION, N_BETA, curvature_root
from somite.truths.truth import GroundTruth


def refined_profiles(truth: GroundTruth) -> xr.DataArray:
    """λ_Cj over active weights by Gauss-Newton, dims (component, output).

    ReLU networks are brought to the weights of least norm first, so that no rescaling of neurons
    changes what is active.

    Args:
        truth: A network of neurons.

    Raises:
        InputError: If the truth is no such network.
    """
    if not isinstance(truth.model, MLP):
        remedy = "Pass a ground truth whose components are neurons."
        raise InputError("truth", "must be an MLP", type(truth.model).__name__, remedy)
    model = balanced(truth.model) if truth.model.activation == "relu" else truth.model
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


def _llc(rows: Tensor) -> float:
    wide = rows.shape[1] > rows.shape[0]
    values = torch.linalg.eigvalsh(rows @ rows.T if wide else rows.T @ rows)
    return gaussian_llc(values.clamp(min=0).numpy(), N_BETA, LOCALIZATION)
