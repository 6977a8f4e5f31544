"""Sampling checked against exact answers."""

from somite.verify.case import Case, Problem
from somite.verify.cases import CASES, SHORT, select_cases
from somite.verify.run import verify

__all__ = ["CASES", "SHORT", "Case", "Problem", "select_cases", "verify"]
