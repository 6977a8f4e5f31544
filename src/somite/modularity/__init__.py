"""Modules: groupings of components, their stability and their agreement."""

from somite.modularity.agreement import Agreement, agreement, agreement_table
from somite.modularity.curves import group_by_curves
from somite.modularity.groups import combine_views, group_heads
from somite.modularity.partition import partition
from somite.modularity.profiles import group_by_behavior, group_by_refined, refined_profiles
from somite.modularity.resampling import CurveBootstrap
from somite.modularity.series import check_series, mean_curves
from somite.modularity.specialization import specialization
from somite.modularity.stability import Replicate

__all__ = [
    "Agreement",
    "CurveBootstrap",
    "Replicate",
    "agreement",
    "agreement_table",
    "check_series",
    "combine_views",
    "group_by_behavior",
    "group_by_curves",
    "group_by_refined",
    "group_heads",
    "mean_curves",
    "partition",
    "refined_profiles",
    "specialization",
]
