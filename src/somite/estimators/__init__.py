"""Estimates from saved draws, each with its error."""

from somite.estimators.control import control_check
from somite.estimators.coupling import coupling, partition_score
from somite.estimators.diagnostics import diagnose
from somite.estimators.energies import energy_correlation
from somite.estimators.interaction import interaction, pair_matrix
from somite.estimators.interaction_ladder import interaction_ladder
from somite.estimators.ladder import llc_ladder
from somite.estimators.llc import llc
from somite.estimators.moved import moved
from somite.estimators.richardson import richardson
from somite.estimators.shares import second_moment_shares, shares
from somite.estimators.stein import stein_llc
from somite.estimators.waic import waic
from somite.estimators.wbic import wbic

__all__ = [
    "control_check",
    "coupling",
    "diagnose",
    "energy_correlation",
    "interaction",
    "interaction_ladder",
    "llc",
    "llc_ladder",
    "moved",
    "pair_matrix",
    "partition_score",
    "richardson",
    "second_moment_shares",
    "shares",
    "stein_llc",
    "waic",
    "wbic",
]
