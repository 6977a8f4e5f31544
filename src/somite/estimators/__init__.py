"""Estimates from saved draws, each with its error."""

from somite.estimators.control import control_check
from somite.estimators.diagnostics import diagnose
from somite.estimators.ladder import llc_ladder
from somite.estimators.llc import llc
from somite.estimators.richardson import richardson
from somite.estimators.shares import second_moment_shares, shares
from somite.estimators.stein import stein_llc
from somite.estimators.waic import waic
from somite.estimators.wbic import wbic

__all__ = [
    "control_check",
    "diagnose",
    "llc",
    "llc_ladder",
    "richardson",
    "second_moment_shares",
    "shares",
    "stein_llc",
    "waic",
    "wbic",
]
