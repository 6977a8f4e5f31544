"""Methods that are compared: from a ground truth to a matrix, where they fit, and their null."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
import xarray as xr

from somite.baselines import (
    METHODS,
    WEIGHT_METHODS,
    baseline_matrix,
    cka,
    gradient_grams,
    of_mlp,
    of_transformer,
    without_silent,
)
from somite.models import Transformer
from somite.sampling.interaction_energy import interaction_energy
from somite.sampling.target import Data
from somite.truths.interactions import (
    EXAMPLES,
    LOCALIZATION,
    N_BETA,
    curvature_alignment,
    curvature_root,
    interaction_matrix,
    one_copy,
    sampled_interaction,
)
from somite.truths.kinds import (
    BLOCKS,
    HEADS,
    LAYERS,
    NEURONS,
    PAIR,
    first,
    kind_of,
    spread,
)
from somite.truths.layers import composed, layer_outputs
from somite.truths.refined import refined_similarity
from somite.truths.response import response
from somite.truths.truth import GroundTruth

ROWS = 24
"""Rows of tokens on which outputs of heads and their derivatives are taken."""
FEW_NEURONS, MANY = 8, 16
"""Most neurons whose pairs are sampled, and whose pairs are moved."""
REPEATS = 32
"""Displacements behind an interaction energy."""


@dataclass(frozen=True)
class Method:
    """A method of the comparison.

    Args:
        family: "LLC", "curvature", "gradients", "activations" or "weights".
        matrix: From a truth to a matrix between its components.
        kinds: Of components that it can read.
        null: What `is_modular` compares with.
        most: Most components, by kind, for methods that cost too much with more.
    """

    family: str
    matrix: Callable[[GroundTruth], xr.DataArray]
    kinds: tuple[str, ...]
    null: str = "pairs"
    most: Mapping[str, int] | None = None

    def fits(self, truth: GroundTruth) -> bool:
        """Whether it can read the truth, in the time of a comparison."""
        kind = kind_of(truth)
        most = (self.most or {}).get(kind, len(truth.components))
        return kind in self.kinds and len(truth.components) <= most


def recorded(name: str) -> Callable[[GroundTruth], xr.DataArray]:
    """A method that reads what is recorded of a network of neurons, or of heads."""

    def matrix(truth: GroundTruth) -> xr.DataArray:
        wanted = _recording(truth)[[METHODS[name].needs, "activations"]]
        return baseline_matrix(name, without_silent(wanted))

    return matrix


@lru_cache(maxsize=2)
def _recording(truth: GroundTruth) -> xr.Dataset:
    """Activations and derivatives; several methods read them."""
    if isinstance(truth.model, Transformer):
        tokens = spread(truth, ROWS)
        assert isinstance(tokens, torch.Tensor)
        return of_transformer(truth.model, tokens, truth.loss)
    return of_mlp(truth.model, truth.loss, first(truth, EXAMPLES))


def similar_outputs(truth: GroundTruth) -> xr.DataArray:
    """CKA of what components put out."""
    if kind_of(truth) != LAYERS:
        return recorded("cka")(truth)
    return cka(layer_outputs(truth, EXAMPLES))


def tangent(truth: GroundTruth) -> xr.DataArray:
    """Block-NTK alignment of the losses."""
    with torch.enable_grad():
        grams = gradient_grams(truth.model, truth.loss, _examples(truth), truth.components)
    return baseline_matrix("block_ntk", grams.to_dataset(name="gradient_grams"))


def energy(truth: GroundTruth) -> xr.DataArray:
    """How far random displacements of two components fail to add; each as wide as its basin."""
    truth = one_copy(truth)
    rows = curvature_root(truth, only_active=False).rows
    scale = {
        name: float(1 / (N_BETA * part.square().sum() / part.shape[1] + LOCALIZATION) ** 0.5)
        for name, part in rows.items()
    }
    masks = truth.components
    found = interaction_energy(
        truth.model, truth.loss, _examples(truth), masks, scale, repeats=REPEATS
    )
    statistic: xr.DataArray = found.statistic
    return statistic


def composition(truth: GroundTruth) -> xr.DataArray:
    """How much of what one component writes another reads, by their weights."""
    return (
        composed(truth) if kind_of(truth) == LAYERS else WEIGHT_METHODS["composition"](truth.model)
    )


def of_weights(name: str) -> Callable[[GroundTruth], xr.DataArray]:
    """A method that reads weights alone."""
    return lambda truth: WEIGHT_METHODS[name](truth.model)


def _examples(truth: GroundTruth) -> Data:
    return spread(truth, ROWS) if kind_of(truth) == HEADS else first(truth, EXAMPLES)


ALL = (NEURONS, HEADS, LAYERS, BLOCKS, PAIR)
NETWORKS = (NEURONS, HEADS)
PRIMARY = "interaction"
"""Named in advance, see docs/modules.md."""

COMPARED: Mapping[str, Method] = {
    PRIMARY: Method("LLC", interaction_matrix, ALL),
    "interaction, all weights": Method("LLC", partial(interaction_matrix, only_active=False), ALL),
    "sampled interaction": Method(
        "LLC", sampled_interaction, (NEURONS, LAYERS, BLOCKS, PAIR), most={NEURONS: FEW_NEURONS}
    ),
    "refined profiles": Method("LLC", refined_similarity, (NEURONS,), "rotation"),
    "response": Method("LLC", response, (HEADS,), "rotation"),
    "curvature_alignment": Method("curvature", curvature_alignment, ALL, "rotation"),
    "interaction_energy": Method("curvature", energy, ALL, most={NEURONS: MANY}),
    "block_ntk": Method("gradients", tangent, NETWORKS, "rotation"),
    "attribution_correlation": Method(
        "gradients", recorded("attribution_correlation"), NETWORKS, "rotation"
    ),
    "backward_jacobian": Method("gradients", recorded("backward_jacobian"), (NEURONS,)),
    "activation_correlation": Method(
        "activations", recorded("activation_correlation"), (NEURONS,), "rotation"
    ),
    "cka": Method("activations", similar_outputs, (NEURONS, HEADS, LAYERS), "rotation"),
    "copula_information": Method("activations", recorded("copula_information"), (NEURONS,)),
    "weight_paths": Method("weights", of_weights("weight_paths"), (NEURONS,)),
    "neuron_weights": Method("weights", of_weights("neuron_weights"), (NEURONS,), "rotation"),
    "head_weights": Method("weights", of_weights("head_weights"), (HEADS,), "rotation"),
    "composition": Method("weights", composition, (HEADS, LAYERS)),
}
"""All methods of the comparison, by name."""
