import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.algorithms import GRAPH_ALGORITHMS
from somite.modularity.nulls.pairs import shuffled_pairs
from somite.modularity.scoring import score_found, score_given
from somite.modularity.statistics import STATISTICS
from unit.modularity.planted import named, planted, symmetric_noise

WEIGHTS, TRUTH = planted([4, 4, 4], 0.3, 0)
NOISE = named(symmetric_noise(12, np.random.default_rng(3)))


def null_matrices(count: int = 19) -> xr.DataArray:
    found = shuffled_pairs(WEIGHTS, np.zeros(12, dtype=int), count, np.random.default_rng(0))
    return named(WEIGHTS).expand_dims(null=count).copy(data=found)


@pytest.mark.parametrize("statistic", list(STATISTICS))
def test_no_number_comes_without_z_and_p(statistic: str) -> None:
    given = score_given(named(WEIGHTS), TRUTH, statistic, 0, repeats=99)
    found = score_found(named(WEIGHTS), statistic, 0, "pairs", repeats=39)
    for result in (given, found):
        assert {"value", "z", "p_value", "null_mean", "null_sd", "null_value"} <= set(result)
        assert result.attrs["statistic"] == statistic
        assert result.p_value < 0.05
        assert result.z > 2
    assert given.value == pytest.approx(found.value)  # the search found the truth


def test_p_counts_the_null_and_itself() -> None:
    found = score_found(NOISE, "modularity", 0, "pairs", repeats=19)
    reached = (found.null_value >= found.value).sum().item()
    assert found.p_value.item() == (reached + 1) / 20
    assert found.z.item() == (found.value - found.null_mean).item() / found.null_sd.item()


def test_searching_and_scoring_with_random_labels_on_one_matrix_would_be_no_test() -> None:
    found = score_found(NOISE, "modularity", 0, "pairs", repeats=99)
    wrong = score_given(NOISE, found.label.to_numpy(), "modularity", 0, repeats=99)
    assert wrong.p_value.item() == 0.01
    assert wrong.z.item() > 2.5
    assert found.p_value.item() > 0.05


def test_few_orders_give_an_exact_p() -> None:
    pair = np.kron(np.eye(2), np.ones((2, 2)))
    found = score_given(named(pair), [0, 0, 1, 1], "modularity", 0)
    assert found.sizes["null"] == 24
    assert found.p_value.item() == pytest.approx(1 / 3)


def test_labels_that_only_tell_strata_apart_say_nothing() -> None:
    found = score_given(named(WEIGHTS), TRUTH, "contrast", 0, strata=[str(i) for i in TRUTH])
    assert found.p_value.item() == 1.0
    assert np.isnan(found.z)


def test_matrices_from_elsewhere_are_a_null() -> None:
    found = score_found(named(WEIGHTS), "modularity", 0, null_matrices())
    assert found.attrs["null"] == "given"
    assert found.p_value.item() == 0.05


def test_a_search_of_ones_own_is_repeated() -> None:
    seen = []

    def search(weights: np.ndarray, seed: int) -> np.ndarray:
        seen.append(seed)
        return GRAPH_ALGORITHMS["average"](weights, [3], seed)[0]

    found = score_found(named(WEIGHTS), "silhouette", 0, "pairs", search, repeats=7)
    assert len(set(seen)) == 8
    assert found.p_value.item() == 1 / 8


def test_a_null_without_a_score_counts_as_larger() -> None:
    found = score_found(
        named(WEIGHTS), "silhouette", 0, "pairs", lambda w, s: np.zeros(12, int), repeats=5
    )
    assert found.p_value.item() == 1.0
    assert np.isnan(found.value)
    assert np.isnan(found.z)


def test_same_seed_same_score() -> None:
    runs = [score_found(NOISE, "modularity", 4, repeats=5) for _ in range(2)]
    assert runs[0].identical(runs[1])


def test_bad_input_is_refused() -> None:
    matrix = named(WEIGHTS)
    cases = [
        ("statistic must be a known name", lambda: score_given(matrix, TRUTH, "q", 0)),
        ("statistic must be a known name", lambda: score_found(matrix, "q", 0)),
        ("null must be a known name", lambda: score_found(matrix, "modularity", 0, "shuffle")),
        ("repeats must be a whole number", lambda: score_found(matrix, "modularity", 0, repeats=0)),
        (
            "repeats must be a whole number",
            lambda: score_given(matrix, TRUTH, "modularity", 0, repeats=0),
        ),
        ("one label for each of 12", lambda: score_given(matrix, TRUTH[1:], "modularity", 0)),
        ("two modules or more", lambda: score_given(matrix, TRUTH * 0, "modularity", 0)),
        ("two modules or more", lambda: score_given(matrix, range(12), "modularity", 0)),
        (
            "null must have the dims null, component, other",
            lambda: score_found(matrix, "modularity", 0, null_matrices()[0]),
        ),
        (
            "null must hold 12 components, got 11",
            lambda: score_found(matrix, "modularity", 0, null_matrices()[:, 1:, 1:]),
        ),
    ]
    for words, call in cases:
        with pytest.raises(InputError, match=words):
            call()
