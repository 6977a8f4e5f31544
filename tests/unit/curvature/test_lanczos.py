import itertools

import pytest
import torch
from torch import Tensor

from somite.core.errors import InputError
from somite.core.random import stream
from somite.curvature import hessian_product, lanczos
from unit.curvature.matrices import run, with_eigenvalues

SPREAD = [-3.0, -1.0, 0.0, 0.5, 2.0, 2.5, 7.0, 11.0]


def test_as_many_steps_as_the_side_are_exact():
    found = run(with_eigenvalues(SPREAD), 8)
    torch.testing.assert_close(found.values, torch.tensor(SPREAD, dtype=torch.float64))
    assert found.largest == pytest.approx(11.0, rel=1e-12)
    assert found.smallest == pytest.approx(-3.0, rel=1e-12)
    assert found.residual < 1e-12
    assert found.size == 8


def test_more_steps_than_the_side_change_nothing():
    matrix = with_eigenvalues(SPREAD)
    assert run(matrix, 30).values.tolist() == run(matrix, 8).values.tolist()


def test_largest_is_by_sign_and_not_by_size():
    found = run(with_eigenvalues([-100.0, -2.0, 3.0]), 3)
    assert found.largest == pytest.approx(3.0)
    assert found.smallest == pytest.approx(-100.0)
    assert run(-torch.eye(4, dtype=torch.float64), 4).largest == pytest.approx(-1.0)


def test_multiple_eigenvalues_come_once_with_their_weight():
    matrix = with_eigenvalues([1.0] * 5 + [4.0] * 3 + [-2.0] * 2)
    found = run(matrix, 10)
    expected = torch.tensor([-2.0, 1.0, 4.0], dtype=torch.float64)
    torch.testing.assert_close(found.values, expected)
    start = torch.randn(10, generator=stream("start"), dtype=torch.float64)
    start /= start.norm()
    values, vectors = torch.linalg.eigh(matrix)
    parts = (vectors.T @ start) ** 2
    shares = torch.stack([parts[(values - e).abs() < 1e-9].sum() for e in expected])
    torch.testing.assert_close(found.weights, shares)


@pytest.mark.parametrize("number", [0.0, 5.0, -5.0])
def test_multiples_of_the_identity_end_after_one_step(number: float):
    calls = []

    def product(vector: Tensor) -> Tensor:
        calls.append(1)
        return number * vector

    found = lanczos(product, 6, 6, stream("start"), torch.float64)
    assert found.values.tolist() == pytest.approx([number])
    assert found.weights.tolist() == pytest.approx([1.0])
    assert found.residual == pytest.approx(0.0, abs=1e-14)
    assert len(calls) == 1


def test_one_dimension():
    found = lanczos(lambda v: -4 * v, 1, 5, stream("start"), torch.float64)
    assert found.values.tolist() == [-4.0]
    assert found.weights.tolist() == [1.0]
    assert found.residual < 1e-15


def test_weights_are_moments_of_the_start():
    """With m steps Σ weight·θ^k = vᵀHᵏv for all k up to 2m − 1, and no further."""
    matrix, steps = with_eigenvalues(SPREAD), 3
    found = run(matrix, steps)
    vector = torch.randn(8, generator=stream("start"), dtype=torch.float64)
    vector /= vector.norm()
    errors = []
    for power in range(2 * steps + 1):
        moment = vector @ torch.linalg.matrix_power(matrix, power) @ vector
        errors.append(float((found.weights @ found.values**power - moment).abs() / 11.0**power))
    assert max(errors[:-1]) < 1e-12
    assert errors[-1] > 1e-4


def test_residual_bounds_the_error_at_every_step():
    values = torch.linspace(0, 1, 60, dtype=torch.float64).pow(3).tolist()
    matrix = with_eigenvalues(values)
    found = [run(matrix, steps) for steps in range(1, 25)]
    for spectrum in found:
        assert spectrum.largest <= 1 + 1e-12
        gap = min(abs(spectrum.largest - value) for value in values)
        assert gap <= spectrum.residual + 1e-12
    assert all(a.largest <= b.largest + 1e-12 for a, b in itertools.pairwise(found))
    assert found[-1].largest == pytest.approx(1.0, abs=1e-6)


def test_residual_is_that_of_the_ritz_pair():
    """Against the top Ritz vector, rebuilt from a Krylov basis of the same start."""
    matrix = with_eigenvalues(SPREAD)
    found = run(matrix, 3)
    vector = torch.randn(8, generator=stream("start"), dtype=torch.float64)
    krylov = torch.stack([vector, matrix @ vector, matrix @ matrix @ vector], 1)
    basis, _ = torch.linalg.qr(krylov)
    values, vectors = torch.linalg.eigh(basis.T @ matrix @ basis)
    top = basis @ vectors[:, -1]
    residual = float((matrix @ top - values[-1] * top).norm())
    torch.testing.assert_close(found.values, values)
    assert found.residual == pytest.approx(residual, rel=1e-9)


def test_no_ghosts_in_thirty_steps():
    """Without reorthogonalisation a far eigenvalue comes back as copies."""
    values = [1e6, *torch.linspace(0, 1, 199, dtype=torch.float64).tolist()]
    far = run(with_eigenvalues(values), 30).values
    assert int((far > 1e5).sum()) == 1
    assert far[-1] == pytest.approx(1e6, rel=1e-12)
    assert bool((far[:-1] <= 1 + 1e-6).all())


def test_a_far_eigenvalue_does_not_end_a_single_precision_run():
    size = 200_000
    diagonal = torch.linspace(0, 1, size)
    diagonal[7] = 1000.0
    found = lanczos(lambda v: diagonal * v, size, 10, stream("start"), torch.float32)
    assert found.largest == pytest.approx(1000.0, rel=1e-5)
    assert len(found.values) > 3


def test_same_stream_same_numbers():
    matrix = with_eigenvalues(SPREAD)
    assert run(matrix, 4).values.tolist() == run(matrix, 4).values.tolist()
    assert run(matrix, 4).values.tolist() != run(matrix, 4, "other").values.tolist()


def test_products_that_track_gradients_are_cut_off():
    matrix = with_eigenvalues(SPREAD).requires_grad_(True)
    assert not run(matrix, 8).values.requires_grad


def test_products_that_are_not_finite_are_refused():
    cusp = hessian_product(lambda w: w.abs().pow(1.5).sum(), torch.zeros(2, dtype=torch.float64))
    with pytest.raises(InputError, match=r"^product must be finite, got '2 NaN or infinite entr"):
        lanczos(cusp, 2, 2, stream("start"), torch.float64)


def test_matrices_that_are_not_symmetric_are_refused():
    matrix = with_eigenvalues(SPREAD)
    matrix[0, 3] += 1.0
    with pytest.raises(InputError, match=r"product must be that of one symmetric matrix, got 'u·H"):
        run(matrix, 8)


def test_products_that_change_between_calls_are_refused():
    matrices = itertools.cycle([with_eigenvalues(SPREAD, "a"), with_eigenvalues(SPREAD, "b")])
    with pytest.raises(InputError, match=r"must be that of one symmetric matrix.*the same data"):
        lanczos(lambda v: next(matrices) @ v, 8, 8, stream("start"), torch.float64)


@pytest.mark.parametrize("answer", [torch.zeros(3), torch.zeros(2, 1), 0.0])
def test_products_of_another_shape_are_refused(answer: object):
    with pytest.raises(InputError, match=r"product must return a tensor of shape \(2,\), got"):
        lanczos(lambda v: answer, 2, 2, stream("start"), torch.float64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 0}, "size must be a whole number of at least 1"),
        ({"steps": 0}, "steps must be a whole number of at least 1"),
        ({"steps": 2.0}, "steps must be a whole number of at least 1"),
        ({"dtype": torch.int64}, "dtype must be a floating type"),
        ({"dtype": torch.complex64}, "dtype must be a floating type"),
    ],
)
def test_wrong_settings_are_refused(change: dict, words: str):
    given = {"size": 2, "steps": 2, "dtype": torch.float64} | change
    with pytest.raises(InputError, match=words):
        lanczos(lambda v: v, generator=stream("start"), **given)
