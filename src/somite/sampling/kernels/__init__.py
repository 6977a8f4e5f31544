"""Transition kernels, one algorithm per file: a kernel is its hyperparameters."""

from somite.sampling.kernels.adam_sgld import AdamSGLD
from somite.sampling.kernels.baoab import BAOAB
from somite.sampling.kernels.hmc import HMC
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.kernels.mala import MALA
from somite.sampling.kernels.rmsprop_sgld import RMSpropSGLD
from somite.sampling.kernels.sgld import SGLD
from somite.sampling.kernels.sgnht import SGNHT

__all__ = ["BAOAB", "HMC", "MALA", "SGLD", "SGNHT", "AdamSGLD", "Kernel", "RMSpropSGLD"]
