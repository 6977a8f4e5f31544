"""Modules: partitions of components, tested against chance and followed through training."""

from somite.modularity.agreement import Agreement, agreement, agreement_table
from somite.modularity.algorithms import GRAPH_ALGORITHMS
from somite.modularity.coclustering import cocluster
from somite.modularity.consensus import consensus
from somite.modularity.curves import group_by_curves
from somite.modularity.events import find_events
from somite.modularity.groups import combine_views, group_heads
from somite.modularity.lead_lag import lead_lag
from somite.modularity.matrix import check_matrix
from somite.modularity.modules import find_modules
from somite.modularity.nulls import NULLS
from somite.modularity.nulls.relabeling import random_sets
from somite.modularity.nulls.weights import shuffled_weights
from somite.modularity.partition import partition
from somite.modularity.phases import learning_phases
from somite.modularity.profiles import group_by_behavior, group_by_refined, refined_profiles
from somite.modularity.resampled import resampled_matrices
from somite.modularity.resampling import CurveBootstrap
from somite.modularity.scoring import score_found, score_given
from somite.modularity.separation import separation
from somite.modularity.series import check_series, mean_curves
from somite.modularity.specialization import specialization
from somite.modularity.stability import Replicate
from somite.modularity.synchrony import synchrony
from somite.modularity.tracking import track_modules
from somite.modularity.verdict import false_discovery, holm, is_modular

__all__ = [
    "GRAPH_ALGORITHMS",
    "NULLS",
    "Agreement",
    "CurveBootstrap",
    "Replicate",
    "agreement",
    "agreement_table",
    "check_matrix",
    "check_series",
    "cocluster",
    "combine_views",
    "consensus",
    "false_discovery",
    "find_events",
    "find_modules",
    "group_by_behavior",
    "group_by_curves",
    "group_by_refined",
    "group_heads",
    "holm",
    "is_modular",
    "lead_lag",
    "learning_phases",
    "mean_curves",
    "partition",
    "random_sets",
    "refined_profiles",
    "resampled_matrices",
    "score_found",
    "score_given",
    "separation",
    "shuffled_weights",
    "specialization",
    "synchrony",
    "track_modules",
]
