"""Sampling the local posterior of components around a center."""

from somite.sampling.kernels import SGLD
from somite.sampling.sample import sample
from somite.sampling.target import Target

__all__ = ["SGLD", "Target", "sample"]
