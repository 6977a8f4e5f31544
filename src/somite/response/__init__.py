"""Linear response: how components answer to data, and data to each other, from saved draws."""

from somite.response.classical import classical_influence
from somite.response.control import contrast
from somite.response.derivative import weight_derivative
from somite.response.grouped import group_losses
from somite.response.influence import influence
from somite.response.matrix import response_matrix
from somite.response.susceptibility import susceptibility
from somite.response.top import top_influences

__all__ = [
    "classical_influence",
    "contrast",
    "group_losses",
    "influence",
    "response_matrix",
    "susceptibility",
    "top_influences",
    "weight_derivative",
]
