"""Exact answers: learning coefficients, Gaussian posteriors, quadrature, critical points."""

from somite.theory.coefficient import Coefficient
from somite.theory.deep_linear import deep_linear_coefficient
from somite.theory.deep_linear_hessian import hessian_spectrum
from somite.theory.deep_linear_local import (
    is_smooth,
    regular_coefficient,
    two_layer_local_coefficient,
)
from somite.theory.gaussian import (
    gaussian_asymptote,
    gaussian_covariance,
    gaussian_llc,
    gaussian_mean,
    stationary_covariance,
)
from somite.theory.interaction import (
    block_truth,
    gaussian_energy_covariance,
    gaussian_information,
    gaussian_interactions,
    gaussian_truth,
    plane_truth,
)
from somite.theory.kgon import (
    KNOWN_COEFFICIENTS,
    PUBLISHED_ESTIMATES,
    critical_n,
    kgon,
    prior_term,
    transition_n,
)
from somite.theory.monomial import monomial_coefficient, normal_crossings
from somite.theory.product_map import generic_jacobian_rank, is_regular, jacobian_rank
from somite.theory.quadratic import quadratic_covariance
from somite.theory.quadrature import Quadrature, quadrature_llc
from somite.theory.reduced_rank import reduced_rank_coefficient
from somite.theory.superposition import population_loss

__all__ = [
    "KNOWN_COEFFICIENTS",
    "PUBLISHED_ESTIMATES",
    "Coefficient",
    "Quadrature",
    "block_truth",
    "critical_n",
    "deep_linear_coefficient",
    "gaussian_asymptote",
    "gaussian_covariance",
    "gaussian_energy_covariance",
    "gaussian_information",
    "gaussian_interactions",
    "gaussian_llc",
    "gaussian_mean",
    "gaussian_truth",
    "generic_jacobian_rank",
    "hessian_spectrum",
    "is_regular",
    "is_smooth",
    "jacobian_rank",
    "kgon",
    "monomial_coefficient",
    "normal_crossings",
    "plane_truth",
    "population_loss",
    "prior_term",
    "quadratic_covariance",
    "quadrature_llc",
    "reduced_rank_coefficient",
    "regular_coefficient",
    "stationary_covariance",
    "transition_n",
    "two_layer_local_coefficient",
]
