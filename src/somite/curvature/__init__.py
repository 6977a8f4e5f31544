"""Curvature of a loss at a point: stiffest direction, spectrum, trace, effective dimension."""

from somite.curvature.lanczos import Spectrum, lanczos
from somite.curvature.products import hessian_product
from somite.curvature.trace import Dimension, Estimate, effective_dimension, trace

__all__ = [
    "Dimension",
    "Estimate",
    "Spectrum",
    "effective_dimension",
    "hessian_product",
    "lanczos",
    "trace",
]
