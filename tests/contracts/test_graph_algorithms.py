"""What every algorithm that cuts a weighted graph must keep."""

import importlib.util
import os

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from somite.modularity.algorithms import GRAPH_ALGORITHMS
from somite.modularity.clustering import canonical
from somite.modularity.modules import best_modules
from unit.modularity.planted import planted, symmetric_noise

EXTRA = {"leiden": "sknetwork"}
BY_NUMBER = {"spectral", "average", "ward"}
HERE = [n for n in GRAPH_ALGORITHMS if n not in EXTRA or importlib.util.find_spec(EXTRA[n])]
algorithms = pytest.mark.parametrize("name", HERE)


def test_all_algorithms_are_here_where_all_must_be() -> None:
    assert os.environ.get("SOMITE_REQUIRE_ALL") != "1" or len(HERE) == len(GRAPH_ALGORITHMS)
    assert len(HERE) >= 5


@algorithms
@pytest.mark.parametrize("sizes", [[3, 5], [3, 4, 5], [3, 3, 4, 6], [3, 3, 4, 4, 6]], ids=str)
@pytest.mark.parametrize("sd", [0.0, 0.15])
def test_planted_modules_are_found(name: str, sizes: list[int], sd: float) -> None:
    weights, truth = planted(sizes, sd, 0)
    assert adjusted_rand_score(truth, best_modules(weights, name, 0, 6)) == 1.0


@algorithms
def test_negative_weights_keep_modules_apart(name: str) -> None:
    weights, truth = planted([4, 5, 6], 0.1, 1)
    signed = weights - 0.5 * (1 - np.eye(len(weights)))
    assert adjusted_rand_score(truth, best_modules(signed, name, 0, 6)) == 1.0


@algorithms
def test_labels_are_canonical_and_one_row_for_each_number(name: str) -> None:
    weights = symmetric_noise(10, np.random.default_rng(0))
    found = GRAPH_ALGORITHMS[name](weights, [2, 3, 4], 0)
    assert found.shape[1] == 10
    assert all((canonical(row) == row).all() for row in found)
    if name in BY_NUMBER:
        assert [row.max() + 1 for row in found] == [2, 3, 4]


@algorithms
def test_diagonal_and_scale_do_not_matter(name: str) -> None:
    weights, _ = planted([4, 5, 6], 0.3, 2)
    other = 7.0 * weights + np.diag(np.arange(15.0))
    one, two = (GRAPH_ALGORITHMS[name](w, [2, 3, 4], 0) for w in (weights, other))
    assert (one == two).all()


@algorithms
def test_order_of_the_components_does_not_matter(name: str) -> None:
    weights, _ = planted([4, 5, 6], 0.2, 3)
    order = np.random.default_rng(0).permutation(15)
    one = best_modules(weights, name, 0, 6)
    two = best_modules(weights[order][:, order], name, 0, 6)
    assert adjusted_rand_score(one[order], two) == 1.0


@algorithms
def test_same_seed_same_labels(name: str) -> None:
    weights = symmetric_noise(12, np.random.default_rng(1))
    assert (best_modules(weights, name, 5, 6) == best_modules(weights, name, 5, 6)).all()


@algorithms
@pytest.mark.parametrize("size", [2, 3])
def test_smallest_graphs_are_cut(name: str, size: int) -> None:
    weights = np.ones((size, size))
    weights[0, -1] = weights[-1, 0] = 0.5
    assert best_modules(weights, name, 0, 8).shape == (size,)


@algorithms
def test_a_component_without_edges_joins_nobody(name: str) -> None:
    weights = np.zeros((7, 7))
    weights[:3, :3] = weights[3:6, 3:6] = 1.0
    labels = best_modules(weights, name, 0, 6)
    assert adjusted_rand_score([0, 0, 0, 1, 1, 1, 2], labels) == 1.0


@algorithms
def test_graphs_without_positive_weights_are_cut(name: str) -> None:
    weights = -np.abs(symmetric_noise(6, np.random.default_rng(0)))
    assert np.isfinite(best_modules(weights, name, 0, 4)).all()
