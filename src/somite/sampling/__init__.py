"""Sampling the local posterior of components around a center."""

from somite.sampling.interaction_energy import interaction_energy
from somite.sampling.kernels import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, RMSpropSGLD
from somite.sampling.sample import sample
from somite.sampling.target import Target

__all__ = [
    "BAOAB",
    "HMC",
    "MALA",
    "SGLD",
    "SGNHT",
    "AdamSGLD",
    "RMSpropSGLD",
    "Target",
    "interaction_energy",
    "sample",
]
