import math

import pytest
import torch

from somite.core.errors import InputError
from somite.core.random import stream
from somite.curvature import Spectrum, effective_dimension, trace
from unit.curvature.matrices import run, runs, with_eigenvalues

BOWL = [0.0, 0.0, 0.01, 0.1, 0.5, 1.0, 3.0, 3.0, 10.0, 40.0]
N_BETA, LOCALIZATION = 30.0, 20.0


def truth(values: list[float]) -> float:
    return sum(N_BETA * h / (N_BETA * h + LOCALIZATION) for h in values) / 2


def deviation(matrix: torch.Tensor, expected: float, repeats: int = 400) -> float:
    """Mean of independent traces against what is expected, in its own standard errors."""
    generator = stream("law")
    found = [
        trace(matrix.mv, len(matrix), 2, generator, torch.float64).value for _ in range(repeats)
    ]
    found = torch.tensor(found, dtype=torch.float64)
    return float((found.mean() - expected) / (found.std() / math.sqrt(repeats)))


def test_law_of_the_trace():
    matrix = with_eigenvalues([5.0, 1.0, -2.0, 0.3])
    assert abs(deviation(matrix, 4.3)) <= 4
    assert abs(deviation(2**0.5 * matrix, 4.3)) > 6  # probes of variance √2


def test_error_of_the_trace_is_the_known_one():
    """One probe's variance is 2 Σ_{i≠j} H_ij²."""
    matrix, probes = with_eigenvalues([5.0, 1.0, -2.0, 0.3]), 4000
    known = 2 * float((matrix - matrix.diag().diag()).pow(2).sum())
    found = trace(matrix.mv, 4, probes, stream("probes"), torch.float64)
    assert found.error**2 * probes == pytest.approx(known, rel=0.1)
    assert abs(found.value - 4.3) <= 4 * found.error


def test_one_dimension_is_exact():
    found = trace(lambda v: -4 * v, 1, 2, stream("probes"), torch.float64)
    assert (found.value, found.error) == (-4.0, 0.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 0}, "size must be a whole number of at least 1"),
        ({"probes": 1}, "probes must be a whole number of at least 2"),
        ({"dtype": torch.int64}, "dtype must be a floating type"),
        ({"product": lambda v: v / 0}, "product must be finite, got '2 NaN or infinite entries'"),
        ({"product": lambda v: v[:1]}, "product must return a tensor of shape"),
    ],
)
def test_wrong_settings_are_refused(change: dict, words: str):
    given = {"product": lambda v: v, "size": 2, "probes": 2, "dtype": torch.float64} | change
    with pytest.raises(InputError, match=words):
        trace(generator=stream("probes"), **given)


def test_law_of_the_effective_dimension():
    """Exact runs of many independent starts: unbiased, and its error is true."""
    spectra = runs(with_eigenvalues(BOWL), 10, 400)
    found = effective_dimension(spectra, N_BETA, LOCALIZATION)
    assert abs(found.value - truth(BOWL)) <= 4 * found.error
    assert found.error < 0.03 * truth(BOWL)
    assert (found.negative, found.unbounded, found.note) == (0.0, 0.0, "")
    wrong = effective_dimension(spectra, 2 * N_BETA, LOCALIZATION)
    assert abs(wrong.value - truth(BOWL)) > 6 * wrong.error


def test_error_shrinks_with_the_spread_of_the_starts():
    """Repeated estimates scatter as much as each says."""
    matrix = with_eigenvalues(BOWL)
    found = [
        effective_dimension(runs(matrix, 10, 10, ("repeat", i)), N_BETA, LOCALIZATION)
        for i in range(100)
    ]
    scatter = torch.tensor([f.value for f in found]).std()
    claimed = torch.tensor([f.error for f in found]).pow(2).mean().sqrt()
    assert float(scatter / claimed) == pytest.approx(1.0, abs=4 / math.sqrt(2 * 99))


def test_equal_curvature_is_exact():
    spectra = runs(3.0 * torch.eye(7, dtype=torch.float64), 7, 2)
    found = effective_dimension(spectra, N_BETA, LOCALIZATION)
    assert found.value == pytest.approx(truth([3.0] * 7), rel=1e-12)
    assert found.error == pytest.approx(0.0, abs=1e-12)


def test_few_steps_give_too_much():
    """The Gauss rule's error has the sign of an even derivative of the ratio, which is negative."""
    matrix = with_eigenvalues(BOWL)
    found = [
        effective_dimension([run(matrix, steps), run(matrix, steps, "b")], N_BETA, LOCALIZATION)
        for steps in (1, 2, 3, 4, 9)
    ]
    values = [f.value for f in found]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1] + 0.1


def test_weak_negative_curvature_counts_with_its_sign():
    values = [-0.5, *BOWL[1:]]
    found = effective_dimension(runs(with_eigenvalues(values), 10, 800), N_BETA, LOCALIZATION)
    assert truth(values) < truth(BOWL) - 1
    assert abs(found.value - truth(values)) <= 4 * found.error
    assert found.negative == pytest.approx(0.1, abs=0.02)
    assert found.unbounded == 0.0
    assert "of the directions curve down and count below zero" in found.note


def test_strong_negative_curvature_is_left_out_and_said():
    values = [-5.0, *BOWL[1:]]
    found = effective_dimension(runs(with_eigenvalues(values), 10, 800), N_BETA, LOCALIZATION)
    assert abs(found.value - truth(values[1:])) <= 4 * found.error
    assert found.unbounded == found.negative == pytest.approx(0.1, abs=0.02)
    assert "no Gaussian exists there, and they are left out. Raise the localization" in found.note


def test_small_shares_are_not_printed_as_none():
    values = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    weights = torch.tensor([1e-5, 1 - 1e-5], dtype=torch.float64)
    spectrum = Spectrum(values, weights, residual=0.0, size=10)
    found = effective_dimension([spectrum] * 2, n_beta=1.0, localization=0.5)
    assert found.note.startswith("Less than 0.1% of the directions curve down more than")


def test_wrong_spectra_are_refused():
    three, four = (run(torch.eye(d, dtype=torch.float64), 2) for d in (3, 4))
    with pytest.raises(InputError, match="number of spectra must be a whole number of at least 2"):
        effective_dimension([three], 1.0, 1.0)
    with pytest.raises(InputError, match=r"spectra must be of one matrix, got \[3, 4\]"):
        effective_dimension([three, four], 1.0, 1.0)
    with pytest.raises(InputError, match="n_beta must be positive"):
        effective_dimension([three] * 2, 0.0, 1.0)
    with pytest.raises(InputError, match=r"localization must be positive, got 0\.0.*above zero"):
        effective_dimension([three] * 2, 1.0, 0.0)
