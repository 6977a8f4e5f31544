"""Estimates from saved draws, each with its error."""

from somite.estimators.llc import llc

__all__ = ["llc"]
