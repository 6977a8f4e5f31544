"""Clusters of tokens in the space of susceptibilities, and what they have to be held against."""

from somite.response.spectroscopy.clusters import token_clusters
from somite.response.spectroscopy.examples import cluster_examples
from somite.response.spectroscopy.methods import cluster_agreement
from somite.response.spectroscopy.nulls import cluster_contrast, cluster_null
from somite.response.spectroscopy.settings import Conductance
from somite.response.spectroscopy.stability import cluster_stability
from somite.response.spectroscopy.survival import cluster_survival

__all__ = [
    "Conductance",
    "cluster_agreement",
    "cluster_contrast",
    "cluster_examples",
    "cluster_null",
    "cluster_stability",
    "cluster_survival",
    "token_clusters",
]
