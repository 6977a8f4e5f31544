"""Mutual information: estimators against closed forms, surrogates against bias."""

import numpy as np
import pytest

from somite.baselines.gaussian_copula import copula_information, normal_scores
from somite.baselines.mutual_information import information_coefficient, mutual_information
from somite.baselines.neighbor_information import neighbor_information
from somite.core.errors import InputError
from unit.baselines.small import drawn, series


def gaussian_pair(rho: float, n: int, seed: int = 0) -> np.ndarray:
    noise = drawn(2, n, seed=seed)
    return np.stack([noise[0], rho * noise[0] + (1 - rho**2) ** 0.5 * noise[1]])


def repeated(rho: float, estimate) -> tuple[float, float]:
    """Mean and standard error of an estimate over independent samples of 1000."""
    found = [estimate(gaussian_pair(rho, 1000, seed)) for seed in range(12)]
    return float(np.mean(found)), float(np.std(found, ddof=1) / 12**0.5)


def copula(pair: np.ndarray) -> float:
    scores = normal_scores(pair)
    return float(copula_information(scores, scores)[0, 1])


def neighbors(pair: np.ndarray) -> float:
    return neighbor_information(*pair)


@pytest.mark.parametrize("rho", [0.5, 0.9])
@pytest.mark.parametrize("estimate", [copula, neighbors])
def test_gaussian_pairs_have_the_closed_form(rho, estimate):
    exact = -0.5 * np.log(1 - rho**2)
    mean, error = repeated(rho, estimate)
    assert abs(mean - exact) <= 4 * error
    assert error < 0.02
    if estimate is neighbors:  # a radius one neighbour too far is told apart
        assert abs(mean + 0.2 - exact) > 4 * error


def test_neighbors_see_what_a_correlation_cannot():
    x = drawn(1, 800)[0]
    pair = np.stack([x, x**2])
    assert copula(pair) < 0.05
    assert neighbors(pair) > 1


def test_neighbors_do_not_change_with_scale_or_order():
    pair, order = gaussian_pair(0.7, 200), np.random.default_rng(0).permutation(200)
    before = neighbors(pair)
    assert neighbors(pair * np.array([[1e3], [-1e-4]]) + 5) == pytest.approx(before, abs=1e-9)
    assert neighbors(pair[:, order]) == pytest.approx(before, abs=1e-9)


def test_repeated_values_count_as_they_should():
    """Of two equal coins log 2, of two independent ones 0."""
    first, second = np.tile([0.0, 0.0, 1.0, 1.0], 100), np.tile([0.0, 1.0, 0.0, 1.0], 100)
    assert neighbor_information(first, first) == pytest.approx(np.log(2), abs=0.01)
    assert neighbor_information(first, second) == pytest.approx(0, abs=0.01)


def test_zeros_of_a_relu_are_no_nearest_neighbours_of_each_other():
    pair = np.maximum(drawn(2, 600), 0)
    assert abs(neighbor_information(*pair)) < 0.1


def test_copula_is_invariant_under_monotone_functions_and_capped():
    pair = gaussian_pair(0.6, 100)
    assert copula(np.stack([np.exp(pair[0]), pair[1] ** 3])) == pytest.approx(copula(pair))
    assert copula(np.stack([pair[0], pair[0]])) == pytest.approx(np.log(100))


def slow_pair(seed: int) -> np.ndarray:
    """Two independent series with a long memory: running means of 25 steps."""
    return np.stack([np.convolve(x, np.ones(25) / 5, "valid") for x in drawn(2, 324, seed=seed)])


def test_surrogates_take_away_what_memory_alone_makes():
    found = [mutual_information(series(slow_pair(seed))) for seed in range(150)]
    raw, corrected = (
        np.array([one[name][0, 1].item() for one in found]) for name in ("raw", "information")
    )
    error = corrected.std(ddof=1) / 150**0.5
    assert abs(corrected.mean()) <= 4 * error
    assert raw.mean() > 4 * raw.std(ddof=1) / 150**0.5  # without them the bias is seen


@pytest.mark.parametrize("estimator", ["copula", "neighbors"])
def test_shared_signal_survives_the_correction(estimator):
    found = mutual_information(series(gaussian_pair(0.9, 300)), estimator)
    assert found.information[0, 1] > 10 * found.surrogate_sd[0, 1]
    assert found.information[0, 0] == 0


def test_coefficient_is_the_correlation_of_a_gaussian_pair():
    pair = gaussian_pair(0.8, 500)
    scores = normal_scores(pair)
    expected = abs(np.corrcoef(scores)[0, 1])
    raw = mutual_information(series(pair)).raw
    assert information_coefficient(raw)[0, 1].item() == pytest.approx(expected, abs=1e-9)


def test_bad_settings_are_named():
    pair = series(gaussian_pair(0.5, 30))
    with pytest.raises(InputError, match="estimator must be a known name, got 'bins'"):
        mutual_information(pair, "bins")
    with pytest.raises(InputError, match="shifts must be a whole number of at least 20, got 5"):
        mutual_information(pair, shifts=5)
    with pytest.raises(InputError, match="must hold at least 41 of sample, got 30"):
        mutual_information(pair, shifts=39)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (np.ones(9), np.arange(9.0), "series must vary"),
        (np.arange(4.0), np.arange(4.0), "samples must be at least 5, got 4"),
        (np.arange(9.0), np.arange(8.0), "series must be two vectors of one length"),
    ],
)
def test_bad_series_are_named(first, second, message):
    with pytest.raises(InputError, match=message):
        neighbor_information(first, second)
