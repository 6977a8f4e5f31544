"""The other methods: model and data to a matrix between components, one method per file."""

from somite.baselines.activation_correlation import activation_correlation
from somite.baselines.attribution import attribution_correlation, attributions
from somite.baselines.block_ntk import block_ntk, gradient_grams
from somite.baselines.cka import cka
from somite.baselines.clusterability import clusterability, spectral_blocks
from somite.baselines.composition_graph import composition_graph
from somite.baselines.lesions import lesion_matrix, lesion_synergy
from somite.baselines.mutual_information import information_coefficient, mutual_information
from somite.baselines.ncut import ncut, ncut_test, spectral_labels
from somite.baselines.of_mlp import mlp_lesions, mlp_weights, of_mlp
from somite.baselines.of_transformer import of_transformer, transformer_lesions
from somite.baselines.registry import METHODS, WEIGHT_METHODS, baseline_matrix
from somite.baselines.response_similarity import response_similarity
from somite.baselines.rsa import rsa
from somite.baselines.silent import without_silent
from somite.baselines.unit_similarity import (
    backward_hessian,
    backward_jacobian,
    forward_covariance,
    forward_jacobian,
)
from somite.baselines.weight_graph import two_step_similarity, weight_graph
from somite.baselines.weight_masks import MaskTraining, kept_share, learn_mask, mask_overlap
from somite.baselines.weight_similarity import (
    head_similarity,
    head_singular_values,
    neuron_similarity,
)

__all__ = [
    "METHODS",
    "WEIGHT_METHODS",
    "MaskTraining",
    "activation_correlation",
    "attribution_correlation",
    "attributions",
    "backward_hessian",
    "backward_jacobian",
    "baseline_matrix",
    "block_ntk",
    "cka",
    "clusterability",
    "composition_graph",
    "forward_covariance",
    "forward_jacobian",
    "gradient_grams",
    "head_similarity",
    "head_singular_values",
    "information_coefficient",
    "kept_share",
    "learn_mask",
    "lesion_matrix",
    "lesion_synergy",
    "mask_overlap",
    "mlp_lesions",
    "mlp_weights",
    "mutual_information",
    "ncut",
    "ncut_test",
    "neuron_similarity",
    "of_mlp",
    "of_transformer",
    "response_similarity",
    "rsa",
    "spectral_blocks",
    "spectral_labels",
    "transformer_lesions",
    "two_step_similarity",
    "weight_graph",
    "without_silent",
]
