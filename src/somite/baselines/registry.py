"""All methods that give one matrix between components, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import xarray as xr
from torch import nn

from somite.baselines.activation_correlation import activation_correlation
from somite.baselines.attribution import attribution_correlation
from somite.baselines.block_ntk import block_ntk
from somite.baselines.cka import cka
from somite.baselines.composition_graph import composition_graph
from somite.baselines.hsic import FEWEST
from somite.baselines.mutual_information import FEWEST_SHIFTS, mutual_information
from somite.baselines.of_mlp import hidden_names, mlp_weights
from somite.baselines.response_similarity import response_similarity
from somite.baselines.rsa import rsa
from somite.baselines.unit_similarity import (
    backward_hessian,
    backward_jacobian,
    forward_covariance,
    forward_jacobian,
)
from somite.baselines.weight_graph import two_step_similarity, weight_graph
from somite.baselines.weight_similarity import head_similarity, neuron_similarity
from somite.core.checks import one_of
from somite.core.errors import InputError


@dataclass(frozen=True)
class Method:
    """A method that turns recorded arrays into a matrix.

    Args:
        needs: The variable of the recording that it reads.
        least: Fewest samples.
        matrix: From that variable to a matrix, dims (component, other).
    """

    needs: str
    least: int
    matrix: Callable[[xr.DataArray], xr.DataArray]


def _copula(activations: xr.DataArray) -> xr.DataArray:
    return mutual_information(activations, "copula")["information"]


def _neighbors(activations: xr.DataArray) -> xr.DataArray:
    return mutual_information(activations, "neighbors")["information"]


def _weight_paths(model: nn.Module) -> xr.DataArray:
    graph = weight_graph(mlp_weights(model), normalize=True)
    return two_step_similarity(graph, hidden_names(model))


def _neuron_weights(model: nn.Module) -> xr.DataArray:
    return neuron_similarity(mlp_weights(model))


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "activation_correlation": Method("activations", 3, activation_correlation),
        "forward_covariance": Method("activations", 2, forward_covariance),
        "copula_information": Method("activations", FEWEST_SHIFTS + 1, _copula),
        "neighbor_information": Method("activations", FEWEST_SHIFTS + 1, _neighbors),
        "cka": Method("activations", FEWEST, cka),
        "rsa": Method("activations", 4, rsa),
        "forward_jacobian": Method("input_jacobian", 1, forward_jacobian),
        "backward_jacobian": Method("output_jacobian", 1, backward_jacobian),
        "backward_hessian": Method("loss_hessian", 1, backward_hessian),
        "attribution_correlation": Method("attributions", 3, attribution_correlation),
        "block_ntk": Method("gradient_grams", FEWEST, block_ntk),
        "response": Method("susceptibilities", 3, response_similarity),
    }
)
"""Methods that read recorded arrays, with their default settings."""

WEIGHT_METHODS: Mapping[str, Callable[[Any], xr.DataArray]] = MappingProxyType(
    {
        "composition": composition_graph,
        "head_weights": head_similarity,
        "weight_paths": _weight_paths,
        "neuron_weights": _neuron_weights,
    }
)
"""Methods that read a model's weights alone: the first two a transformer's, the others an MLP's."""


def baseline_matrix(name: str, recording: xr.Dataset) -> xr.DataArray:
    """The matrix of one method from what was recorded of a model.

    Args:
        name: A name in `METHODS`.
        recording: What `of_mlp` or `of_transformer` gives; for "block_ntk" with the variable
            `gradient_grams` of the function of that name.

    Returns:
        Dims (component, other), symmetric.

    Raises:
        InputError: If the method is unknown, its variable is missing, or the data do not suffice.

    Example:
        >>> series = xr.DataArray([[1.0, 2, 3, 5], [2.0, 4, 6, 10]], dims=("component", "sample"))
        >>> baseline_matrix("cka", xr.Dataset({"activations": series})).values.round(3).tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    method = METHODS[one_of("method", name, METHODS)]
    if method.needs not in recording:
        rule, remedy = f"must hold {method.needs} for {name}", "Record it from the model."
        raise InputError("recording", rule, list(recording), remedy)
    return method.matrix(recording[method.needs])
