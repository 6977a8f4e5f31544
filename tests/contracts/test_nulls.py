"""What every null model of a matrix must keep."""

import numpy as np
import pytest

from somite.modularity.nulls import NULLS
from unit.modularity.planted import planted

nulls = pytest.mark.parametrize("name", list(NULLS))
STRATA = np.repeat([0, 1], 6)


def draw(name: str, weights: np.ndarray, strata: np.ndarray, count: int = 20) -> np.ndarray:
    return NULLS[name](weights, strata, count, np.random.default_rng(0))


@nulls
def test_matrices_are_symmetric_finite_and_as_many_as_asked_for(name: str) -> None:
    weights, _ = planted([4, 8], 0.3, 0)
    found = draw(name, weights, STRATA)
    assert found.shape == (20, 12, 12)
    assert np.isfinite(found).all()
    assert found == pytest.approx(found.transpose(0, 2, 1))


@nulls
def test_total_weight_is_kept(name: str) -> None:
    weights, _ = planted([4, 8], 0.3, 0)
    found = draw(name, weights, np.zeros(12, dtype=int))
    assert found.sum((1, 2)) == pytest.approx(np.full(20, weights.sum()))


@nulls
def test_matrices_differ_and_planted_modules_are_gone(name: str) -> None:
    weights, truth = planted([3, 4, 5], 0.0, 0)
    found = draw(name, weights, np.zeros(12, dtype=int))
    assert len(np.unique(found.reshape(20, -1), axis=0)) == 20
    inside = (truth[:, None] == truth) & ~np.eye(12, dtype=bool)
    assert weights[inside].mean() == 1.0
    assert found[:, inside].mean() < 0.6


@nulls
def test_same_generator_same_matrices(name: str) -> None:
    weights, _ = planted([4, 8], 0.3, 0)
    assert (draw(name, weights, STRATA) == draw(name, weights, STRATA)).all()


@nulls
@pytest.mark.parametrize("size", [2, 3])
def test_smallest_matrices(name: str, size: int) -> None:
    weights = np.ones((size, size)) - np.eye(size)
    found = draw(name, weights, np.zeros(size, dtype=int), 3)
    assert found.shape == (3, size, size)
    assert found.sum((1, 2)) == pytest.approx(np.full(3, weights.sum()))


@pytest.mark.parametrize("name", ["pairs", "configuration"])
def test_weights_stay_among_pairs_of_the_same_strata(name: str) -> None:
    weights, _ = planted([4, 8], 0.3, 0)
    found = draw(name, weights, STRATA)
    for one in (0, 1):
        for two in (0, 1):
            place = np.ix_(one == STRATA, two == STRATA)
            ours = np.sort(weights[place].reshape(-1))
            assert all((np.sort(m[place].reshape(-1)) == ours).all() for m in found)
