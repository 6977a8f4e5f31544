"""One verdict for a network: seldom wrong without modules, right with them."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from somite.modularity.modules import best_modules
from somite.modularity.scoring import score_given
from somite.modularity.verdict import is_modular
from unit.modularity.planted import named, planted, symmetric_noise

NETWORKS, MOST = 100, 11
REPEATS = 39


def loud(size: int, generator: np.random.Generator) -> np.ndarray:
    """Weights of both signs, heavy-tailed, with strengths that differ."""
    scale = np.exp(0.5 * generator.normal(size=size))
    return np.outer(scale, scale) * symmetric_noise(size, generator) ** 3


def correlations(size: int, generator: np.random.Generator) -> np.ndarray:
    return np.corrcoef(generator.normal(size=(size, 10)))


def verdicts(kind, null: str) -> int:
    """How many of the random matrices are called modular."""
    found = 0
    for seed in range(NETWORKS):
        weights = kind(8, np.random.default_rng(seed))
        found += bool(is_modular(named(weights), seed, null, repeats=REPEATS).modular)
    return found


@pytest.mark.parametrize(
    ("kind", "null"),
    [
        (symmetric_noise, "pairs"),
        (symmetric_noise, "configuration"),
        (symmetric_noise, "rotation"),
        (loud, "configuration"),
        (correlations, "rotation"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.slow  # a hundred networks, each searched forty times: 4 to 10 s on a free core
def test_random_matrices_are_seldom_called_modular(kind, null: str) -> None:
    assert verdicts(kind, null) <= MOST


@pytest.mark.slow
def test_the_wrong_null_for_correlations_fails_the_same_check() -> None:
    assert verdicts(correlations, "pairs") > MOST


def test_scoring_the_partition_that_was_found_fails_the_same_check() -> None:
    found = 0
    for seed in range(NETWORKS):
        weights = symmetric_noise(10, np.random.default_rng(seed))
        labels = best_modules(weights, "average", seed, 8)
        score = score_given(named(weights), labels, "modularity", seed, repeats=REPEATS)
        found += score.p_value.item() < 0.05
    assert found > MOST


@pytest.mark.parametrize("sizes", [[4, 8], [3, 4, 6], [3, 3, 4, 6], [3, 3, 4, 5, 5]], ids=str)
def test_planted_modules_are_called_modular_and_found(sizes: list[int]) -> None:
    for seed in range(3):
        weights, truth = planted(sizes, 0.1, seed)
        found = is_modular(named(weights), seed, repeats=REPEATS)
        assert adjusted_rand_score(truth, found.label) == 1.0
        assert found.p_value.item() == 1 / (REPEATS + 1)
        assert found.z > 3
