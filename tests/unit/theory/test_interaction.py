"""Two sources of truth against each other, against signs in closed form, and their refusals."""

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.theory import (
    block_truth,
    gaussian_energy_covariance,
    gaussian_information,
    gaussian_truth,
    plane_truth,
)

TWO = {"A": [0], "B": [1]}
HESSIAN = np.array([[2.0, 1.2], [1.2, 1.0]])


def bowl(w):
    return (w @ HESSIAN * w).sum(-1) / 2


def coupled(size: int, seed: int = 0) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(size, size))
    return root @ root.T / size


def test_quadrature_and_closed_form_agree_on_a_quadratic_loss():
    exact = gaussian_truth(HESSIAN, TWO, 10.0, 2.0)
    found = plane_truth(bowl, 10.0, 2.0)
    for name in ("llc", "share", "coupling", "llc_full", "total_coupling"):
        np.testing.assert_allclose(found[name], exact[name], atol=1e-6)


# Signs of the limits for n_beta to infinity, from the learning coefficients of u, v and both.
@pytest.mark.parametrize(
    ("loss", "center", "sign"),
    [
        (lambda w: w[..., 0] ** 2 + w[..., 1] ** 2, (0.0, 0.0), 0),
        (lambda w: (w[..., 0] + w[..., 1]) ** 2, (0.0, 0.0), 1),
        (lambda w: (w[..., 0] * w[..., 1] - 1) ** 2, (1.0, 1.0), 1),
        (lambda w: (w[..., 0] ** 2 + w[..., 1]) ** 2, (0.0, 0.0), 1),
        (lambda w: (w[..., 0] * w[..., 1]) ** 2, (0.0, 0.0), -1),
        (lambda w: w[..., 0] ** 4 + (w[..., 0] * w[..., 1]) ** 2, (0.0, 0.0), -1),
    ],
)
def test_signs_of_polynomials(loss, center, sign):
    total = float(plane_truth(loss, 100.0, 2.0, center).total_coupling)
    assert abs(total) < 1e-6 if sign == 0 else total * sign > 0.05


def test_shares_of_a_quadratic_loss_add_to_the_coefficient_and_never_exceed_it():
    blocks = {"A": [0, 1], "B": [2, 3, 4], "C": [5]}
    truth = gaussian_truth(coupled(6), blocks, 20.0, 3.0)
    assert float(truth.share.sum()) == pytest.approx(float(truth.llc_full))
    assert float((truth.llc - truth.share).sum()) == pytest.approx(float(truth.total_coupling))
    assert ((truth.coupling > 0) & (truth.coupling < 1)).all()
    assert (truth.interaction.values[~np.eye(3, dtype=bool)] > 0).all()
    np.testing.assert_allclose(truth.interaction, truth.interaction.T)
    pair = gaussian_truth(coupled(6), {n: blocks[n] for n in "AC"}, 20.0, 3.0)
    both = truth.interaction.sel(component="A", other="C")
    assert float(pair.total_coupling) == pytest.approx(float(both))


def test_nothing_couples_blocks_without_curvature_between_them():
    matrix = np.zeros((5, 5))
    matrix[:2, :2], matrix[2:, 2:] = coupled(2), coupled(3)
    blocks = {"A": [0, 1], "B": [2, 3, 4]}
    truth = gaussian_truth(matrix, blocks, 20.0, 3.0)
    assert abs(float(truth.total_coupling)) < 1e-12
    assert abs(gaussian_information(matrix, blocks, 20.0, 3.0)) < 1e-12
    energies = gaussian_energy_covariance(matrix, blocks, 20.0, 3.0)
    assert abs(float(energies.sel(component="A", other="B"))) < 1e-12


def test_the_slope_of_the_information_is_the_interaction():
    matrix, blocks = coupled(4), {"A": [0, 1], "B": [2, 3]}
    low, high = (gaussian_information(matrix, blocks, 20 * s, 3.0) for s in (0.999, 1.001))
    slope = (high - low) / np.log(1.001 / 0.999)
    exact = gaussian_truth(matrix, blocks, 20.0, 3.0).total_coupling
    assert slope == pytest.approx(float(exact), rel=1e-5)


def test_energies_of_a_gaussian_covary_as_its_samples_do():
    matrix, blocks = coupled(4), {"A": [0, 1], "B": [2, 3]}
    covariance = np.linalg.inv(10 * matrix + 2 * np.eye(4))
    w = np.random.default_rng(1).multivariate_normal(np.zeros(4), covariance, 400_000)
    a, b = (5 * (w[:, p] @ matrix[np.ix_(p, p)] * w[:, p]).sum(1) for p in blocks.values())
    found = gaussian_energy_covariance(matrix, blocks, 10.0, 2.0)
    np.testing.assert_allclose(found, np.cov(a, b), atol=0.012)  # four errors of the samples


def test_a_component_without_coefficient_has_no_coupling():
    truth = block_truth({"A": 0.0, "B": 0.5}, {"A": 0.1, "B": 0.4}, 0.5)
    assert np.isnan(truth.coupling[0])
    assert float(truth.coupling[1]) == pytest.approx(0.2)


def test_blocks_must_be_disjoint_and_inside():
    for blocks in ({"A": [0], "B": [0]}, {"A": [0, 2]}, {}):
        with pytest.raises(InputError, match="blocks must be disjoint sets of places below 2"):
            gaussian_truth(HESSIAN, blocks, 10.0, 1.0)
    with pytest.raises(InputError, match="localization must be positive"):
        plane_truth(bowl, 10.0, 0.0)
    with pytest.raises(InputError, match="localization must be positive"):
        gaussian_truth(HESSIAN, TWO, 10.0, 0.0)
    with pytest.raises(InputError, match="localization must be positive"):
        gaussian_information(HESSIAN, TWO, 10.0, 0.0)
