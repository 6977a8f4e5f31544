"""Curvature of a loss at a point: stiffest direction, spectrum, trace, effective dimension."""

from somite.curvature.block_dimensions import block_dimensions
from somite.curvature.gauss_newton import (
    BlockCurvature,
    BlockProduct,
    gauss_newton,
    gauss_newton_product,
)
from somite.curvature.lanczos import Spectrum, lanczos
from somite.curvature.products import hessian_product
from somite.curvature.root import BlockRoot, gauss_newton_root
from somite.curvature.trace import Dimension, Estimate, effective_dimension, trace

__all__ = [
    "BlockCurvature",
    "BlockProduct",
    "BlockRoot",
    "Dimension",
    "Estimate",
    "Spectrum",
    "block_dimensions",
    "effective_dimension",
    "gauss_newton",
    "gauss_newton_product",
    "gauss_newton_root",
    "hessian_product",
    "lanczos",
    "trace",
]
