"""Sampling the local posterior of components around a center."""

from somite.sampling.interaction_energy import interaction_energy
from somite.sampling.kernels import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, RMSpropSGLD
from somite.sampling.probing import Observable
from somite.sampling.recorded import recorded, recorded_draws
from somite.sampling.recording import Record
from somite.sampling.sample import sample
from somite.sampling.target import Target

__all__ = [
    "BAOAB",
    "HMC",
    "MALA",
    "SGLD",
    "SGNHT",
    "AdamSGLD",
    "Observable",
    "RMSpropSGLD",
    "Record",
    "Target",
    "interaction_energy",
    "recorded",
    "recorded_draws",
    "sample",
]
