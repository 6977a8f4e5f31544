import numpy as np
import pytest

from somite.modularity.nulls.configuration import configuration
from somite.modularity.nulls.pairs import shuffled_pairs
from unit.modularity.planted import symmetric_noise


def hubs(size: int = 16) -> np.ndarray:
    """A signed graph whose strengths differ widely."""
    generator = np.random.default_rng(0)
    loud = np.exp(generator.normal(size=size))
    return np.sqrt(np.outer(loud, loud)) * symmetric_noise(size, generator)


def strengths(matrices: np.ndarray) -> np.ndarray:
    return np.stack([np.maximum(matrices, 0).sum(-1), np.minimum(matrices, 0).sum(-1)])


@pytest.mark.parametrize("null", [configuration, shuffled_pairs])
def test_strengths_of_both_signs_are_kept_and_a_shuffle_does_not(null) -> None:
    weights = hubs()
    found = null(weights, np.zeros(16, dtype=int), 30, np.random.default_rng(1))
    ours = strengths(weights)[:, None]
    error = np.sqrt(((strengths(found) - ours) ** 2).mean((1, 2)))
    relative = error / ours.std(-1)[:, 0]
    assert (relative < 0.25).all() == (null is configuration)


def test_degrees_of_a_sparse_graph_are_kept() -> None:
    generator = np.random.default_rng(0)
    weights = np.triu(generator.random((14, 14)) < 0.3, 1) * 1.0
    weights = weights + weights.T
    one, two = (
        np.abs(null(weights, np.zeros(14, dtype=int), 20, generator).sum(-1) - weights.sum(-1))
        for null in (configuration, shuffled_pairs)
    )
    assert one.mean() < 0.2 < 1 < two.mean()


def test_strata_of_one_pair_each_leave_nothing_to_shuffle() -> None:
    weights = symmetric_noise(2, np.random.default_rng(0))
    assert (configuration(weights, np.array([0, 1]), 2, np.random.default_rng(0)) == weights).all()
