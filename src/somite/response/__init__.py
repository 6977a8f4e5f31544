"""Linear response: how components answer to data, and data to each other, from saved draws."""

from somite.response.by_chain import responses
from somite.response.classical import classical_influence
from somite.response.control import contrast
from somite.response.derivative import weight_derivative
from somite.response.embryology import embed_tokens, token_categories, token_motion
from somite.response.grouped import group_losses
from somite.response.influence import influence
from somite.response.matrix import response_matrix
from somite.response.pattern import pattern
from somite.response.replicates import bootstrap_susceptibility
from somite.response.spectroscopy import (
    Conductance,
    cluster_agreement,
    cluster_contrast,
    cluster_examples,
    cluster_null,
    cluster_stability,
    cluster_survival,
    token_clusters,
)
from somite.response.susceptibility import susceptibility
from somite.response.top import top_influences
from somite.response.vectors import token_vectors

__all__ = [
    "Conductance",
    "bootstrap_susceptibility",
    "classical_influence",
    "cluster_agreement",
    "cluster_contrast",
    "cluster_examples",
    "cluster_null",
    "cluster_stability",
    "cluster_survival",
    "contrast",
    "embed_tokens",
    "group_losses",
    "influence",
    "pattern",
    "response_matrix",
    "responses",
    "susceptibility",
    "token_categories",
    "token_clusters",
    "token_motion",
    "token_vectors",
    "top_influences",
    "weight_derivative",
]
