"""Transition kernels, one algorithm per file: a kernel is its hyperparameters."""

from somite.sampling.kernels.kernel import Kernel
from somite.sampling.kernels.sgld import SGLD

__all__ = ["SGLD", "Kernel"]
