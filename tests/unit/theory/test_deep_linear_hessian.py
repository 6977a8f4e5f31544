import time

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.theory import hessian_spectrum, jacobian_rank
from unit.theory.chains import dense_jacobian, random_chain


def dense_spectrum(chain, scale, covariance, columns=slice(None)):
    """All eigenvalues of 2·scale·JᵀJ, J the Jacobian of P S^½, largest first."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors @ np.diag(values**0.5) @ vectors.T
    jacobian = np.kron(np.eye(len(chain[-1])), root) @ dense_jacobian(chain)
    moving = jacobian[:, columns]
    return np.linalg.eigvalsh(2 * scale * moving.T @ moving)[::-1]


def covariance(size):
    mixed = np.random.default_rng(1).standard_normal((size, size + 2))
    return mixed @ mixed.T


@pytest.mark.parametrize(
    ("widths", "ranks"),
    [
        ((3, 4, 2), (3, 2)),
        ((3, 2, 4), (1, 2)),
        ((2, 5, 3, 4), (2, 1, 3)),
        ((2, 2, 2, 2, 2), (2,) * 4),
        ((4, 1, 3), (1, 1)),
    ],
)
def test_spectrum_against_the_whole_hessian(widths, ranks):
    chain = random_chain(widths, ranks, np.random.default_rng(0))
    inputs = covariance(widths[0])
    found = hessian_spectrum(chain, 0.7, inputs)
    dense = dense_spectrum(chain, 0.7, inputs)
    whole = np.pad(found, (0, len(dense) - len(found)))
    np.testing.assert_allclose(whole, dense, atol=1e-9 * dense[0])
    assert (found > 1e-9 * found[0]).sum() == jacobian_rank(chain)


def test_only_some_layers_move():
    chain = random_chain((3, 4, 2, 3), (3, 2, 2), np.random.default_rng(0))
    found = hessian_spectrum(chain, 1.0, layers=[1])
    dense = dense_spectrum(chain, 1.0, np.eye(3), slice(12, 20))
    np.testing.assert_allclose(found, dense, atol=1e-9 * dense[0])
    assert len(found) == 8
    assert hessian_spectrum(chain, 1.0, layers=[2])[0] != pytest.approx(found[0], rel=0.1)


def test_a_million_weights_are_no_trouble():
    """Twenty inputs and outputs: the Hessian is a million wide, the matrix behind it 400."""
    chain = random_chain((20, 980, 980, 20), (20, 980, 20), np.random.default_rng(0))
    assert sum(matrix.size for matrix in chain) > 999_000
    start = time.perf_counter()
    found = hessian_spectrum(chain)
    assert time.perf_counter() - start < 5
    # The trace of the Hessian, 2·Σ ‖A_l‖² ‖B_l‖², is known without any eigenvalue.
    first, second, third = chain
    squares = [
        np.linalg.norm(third @ second) ** 2 * 20,
        np.linalg.norm(third) ** 2 * np.linalg.norm(first) ** 2,
        20 * np.linalg.norm(second @ first) ** 2,
    ]
    assert found.sum() == pytest.approx(2 * sum(squares), rel=1e-10)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scale": 0.0}, "scale must be positive, got 0.0"),
        ({"layers": [2]}, r"layers must be places from 0 to 1, got \[2\]"),
        ({"layers": []}, r"layers must be places from 0 to 1, got \[\]"),
        ({"input_covariance": np.eye(2)}, r"must be symmetric with the shape \(3, 3\)"),
        ({"input_covariance": np.triu(np.ones((3, 3)))}, "must be symmetric"),
        ({"input_covariance": np.zeros((3, 3))}, "input_covariance must be positive definite"),
    ],
)
def test_bad_input(settings, words):
    chain = [np.ones((2, 3)), np.ones((1, 2))]
    with pytest.raises(InputError, match=words):
        hessian_spectrum(chain, **settings)
