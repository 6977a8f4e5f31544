"""Methods on networks of neurons: from a ground truth to a matrix, and the null that fits it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import xarray as xr
from torch import Tensor, nn

from somite.baselines import (
    METHODS,
    WEIGHT_METHODS,
    baseline_matrix,
    gradient_grams,
    of_mlp,
    without_silent,
)
from somite.components.mask import Mask
from somite.curvature import gauss_newton
from somite.models import MLP, squared_error_loss
from somite.truths.truth import GroundTruth

N_BETA, LOCALIZATION = 300.0, 30.0
"""Scale at which interactions were reliable in the first trials (R near 1)."""
ACTIVE = 0.1
"""Weights above this share of the largest of their neuron are active."""
EXAMPLES = 256
"""Examples on which curvature, activations and derivatives are taken."""


@dataclass(frozen=True)
class Method:
    """A method of the comparison.

    Args:
        family: "LLC", "weights", "activations" or "gradients".
        matrix: From a truth to a matrix between its components.
        null: What `is_modular` compares with.
    """

    family: str
    matrix: Callable[[GroundTruth], xr.DataArray]
    null: str = "pairs"


def few(truth: GroundTruth) -> tuple[Tensor, Tensor]:
    """The first examples."""
    x, y = truth.data
    return x[:EXAMPLES], y[:EXAMPLES]


def active(model: nn.Module, mask: Mask) -> Mask:
    """The entries of a neuron that are not small beside its largest."""
    weights = dict(model.named_parameters())
    chosen = {name: weights[name].detach().abs() for name in mask.entries}
    largest = max(float(chosen[name][part].max()) for name, part in mask.entries.items())
    return Mask(
        {name: part & (chosen[name] > ACTIVE * largest) for name, part in mask.entries.items()}
    )


def interaction_matrix(truth: GroundTruth, only_active: bool = True) -> xr.DataArray:
    """Interactions by Gauss-Newton, over active weights or over all."""
    masks = {
        name: active(truth.model, mask) if only_active else mask
        for name, mask in truth.components.items()
    }
    masks = {name: mask for name, mask in masks.items() if mask.size}
    squared = getattr(truth.loss, "func", truth.loss) is squared_error_loss
    labels = truth.data[1]
    questions = 1 if squared or labels.ndim == 1 else labels.shape[1]

    def outputs(model: nn.Module, x: Tensor) -> Tensor:
        found: Tensor = model(x)
        return found if squared else found.unflatten(-1, (questions, -1))

    kind, factor = ("squared", 0.5) if squared else ("logits", float(questions))
    curvature = gauss_newton(truth.model, outputs, few(truth)[0], masks, kind, factor)
    found = curvature.coupling(N_BETA, LOCALIZATION)
    return found.interaction


def recorded(name: str) -> Callable[[GroundTruth], xr.DataArray]:
    """A method that reads what is recorded of a network."""

    def matrix(truth: GroundTruth) -> xr.DataArray:
        found = of_mlp(truth.model, truth.loss, few(truth))
        wanted = found[[METHODS[name].needs, "activations"]]
        return baseline_matrix(name, without_silent(wanted))

    return matrix


def tangent(truth: GroundTruth) -> xr.DataArray:
    """Block-NTK alignment."""
    data = few(truth)
    with torch.enable_grad():
        grams = gradient_grams(truth.model, truth.loss, data, truth.components)
    recording = (
        grams.to_dataset(name="gradient_grams") if grams.name is None else grams.to_dataset()
    )
    return baseline_matrix("block_ntk", recording)


def of_weights(name: str) -> Callable[[GroundTruth], xr.DataArray]:
    """A method that reads weights alone."""
    return lambda truth: WEIGHT_METHODS[name](truth.model)


NEURON_METHODS: Mapping[str, Method] = {
    "interaction": Method("LLC", interaction_matrix),
    "interaction, all weights": Method("LLC", lambda t: interaction_matrix(t, only_active=False)),
    "block_ntk": Method("gradients", tangent, "rotation"),
    "attribution_correlation": Method("gradients", recorded("attribution_correlation"), "rotation"),
    "backward_jacobian": Method("gradients", recorded("backward_jacobian")),
    "activation_correlation": Method("activations", recorded("activation_correlation"), "rotation"),
    "cka": Method("activations", recorded("cka"), "rotation"),
    "copula_information": Method("activations", recorded("copula_information")),
    "weight_paths": Method("weights", of_weights("weight_paths")),
    "neuron_weights": Method("weights", of_weights("neuron_weights"), "rotation"),
}
"""The first is the primary method of docs/modules.md."""


def fits(truth: GroundTruth) -> bool:
    """Whether the truth is a network of neurons."""
    return isinstance(truth.model, MLP)
