"""CKA, RSA and their estimators."""

from itertools import permutations

import numpy as np
import pytest

from somite.baselines import cka, rsa
from somite.baselines.hsic import GramSums, biased_hsic, unbiased_hsic
from somite.core.errors import InputError
from unit.baselines.small import drawn, series


def grams(values: np.ndarray) -> np.ndarray:
    return values @ values.transpose(0, 2, 1)


def test_unbiased_estimate_is_the_mean_over_different_samples():
    found = grams(drawn(2, 6, 3))
    first, second = found
    terms = [
        first[i, j] * (second[i, j] + second[q, r] - 2 * second[i, q])
        for i, j, q, r in permutations(range(6), 4)
    ]
    assert unbiased_hsic(GramSums.of_grams(found))[0, 1] == pytest.approx(np.mean(terms))


def test_biased_estimate_is_the_squared_covariance():
    values = drawn(2, 8, 3)
    centered = values - values.mean(1, keepdims=True)
    expected = np.sum((centered[0].T @ centered[1]) ** 2) / 49
    assert biased_hsic(GramSums.of_grams(grams(values)))[0, 1] == pytest.approx(expected)


@pytest.mark.parametrize("samples", [5, 40])
def test_sums_from_features_are_those_of_their_gram_matrices(samples):
    values = drawn(3, samples, 4)
    for own, expected in zip(
        GramSums.of_features(values), GramSums.of_grams(grams(values)), strict=True
    ):
        np.testing.assert_allclose(own, expected, rtol=1e-12)


def test_cka_does_not_change_with_rotation_or_scale_of_features():
    values = drawn(2, 12, 3)
    turned = values.copy()
    turned[1] = 5 * values[1] @ np.linalg.qr(drawn(3, 3, seed=1))[0] + 2
    for debiased in (True, False):
        before, after = (cka(series(v, "feature"), debiased) for v in (values, turned))
        np.testing.assert_allclose(before, after, atol=1e-12)
    stretched = values * np.array([1.0, 1.0, 9.0])  # other linear maps do change it
    assert abs(cka(series(stretched, "feature"))[0, 1] - before[0, 1]) > 0.01


def test_many_features_deceive_the_biased_cka_only():
    values = series(drawn(10, 20, 2000), "feature")
    pairs = np.triu_indices(10, 1)
    assert cka(values, debiased=False).to_numpy()[pairs].min() > 0.95
    unbiased = cka(values).to_numpy()[pairs]
    assert abs(unbiased.mean()) < 4 * unbiased.std() / len(unbiased) ** 0.5
    assert np.abs(unbiased).max() < 0.35


def test_one_feature_and_many_samples_give_the_squared_correlation():
    values = drawn(2, 800)
    values[1] += values[0]
    expected = np.corrcoef(values)[0, 1] ** 2
    assert cka(series(values), debiased=False)[0, 1].item() == pytest.approx(expected)
    assert cka(series(values))[0, 1].item() == pytest.approx(expected, abs=5e-3)


def test_rsa_does_not_change_with_rotation_shift_or_scale():
    values = drawn(2, 10, 3)
    turned = values.copy()
    turned[1] = 5 * values[1] @ np.linalg.qr(drawn(3, 3, seed=1))[0] + 2
    before, after = (rsa(series(v, "feature")) for v in (values, turned))
    np.testing.assert_allclose(before, after, atol=1e-12)


@pytest.mark.parametrize("distance", ["correlation", "cosine", "euclidean"])
def test_rsa_of_copies_is_one_and_of_strangers_zero_on_average(distance):
    found = []
    for seed in range(40):
        values = drawn(3, 12, 8, seed=seed)
        values[1] = values[0]
        matrix = rsa(series(values, "feature"), distance)
        assert matrix[0, 1].item() == pytest.approx(1)
        found.append(matrix[0, 2].item())
    error = np.std(found, ddof=1) / 40**0.5
    assert abs(np.mean(found)) <= 4 * error
    assert error < 0.05


def test_what_cannot_be_compared_is_named():
    with pytest.raises(InputError, match="activations must have several features, got 1"):
        rsa(series(drawn(2, 5)), "cosine")
    flat = drawn(2, 5, 3)
    flat[1, 2] = 1.0
    with pytest.raises(InputError, match="must have correlation distances that are defined"):
        rsa(series(flat, "feature"), "correlation")
    even = np.stack([drawn(4, 4), np.eye(4)])
    with pytest.raises(InputError, match="must have euclidean distances that are defined and diff"):
        rsa(series(even, "feature"))
    with pytest.raises(InputError, match="distance must be a known name, got 'manhattan'"):
        rsa(series(drawn(2, 5)), "manhattan")


def test_a_variance_that_samples_cannot_tell_is_named():
    """One sample apart from equal others: no two different samples covary."""
    values = drawn(2, 4)
    values[1] = [1.0, 0.0, 0.0, 0.0]
    with pytest.raises(InputError, match=r"must have a variance that the samples can tell.*\[1\]"):
        cka(series(values))
