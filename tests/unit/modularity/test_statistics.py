import networkx as nx
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, silhouette_score

from somite.modularity.statistics import (
    STATISTICS,
    contrast,
    inside_share,
    modularity,
    modularity_matrix,
    pair_auc,
    silhouette,
)
from unit.modularity.planted import planted, symmetric_noise

WEIGHTS = np.abs(symmetric_noise(9, np.random.default_rng(0)))
LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2])


def test_modularity_is_that_of_networkx() -> None:
    graph = nx.from_numpy_array(WEIGHTS)
    modules = [set(np.flatnonzero(LABELS == i)) for i in range(3)]
    expected = nx.community.modularity(graph, modules)
    assert modularity(WEIGHTS, LABELS) == pytest.approx(expected)


def test_signed_modularity_weighs_the_two_parts() -> None:
    weights = symmetric_noise(9, np.random.default_rng(1))
    plus, minus = np.maximum(weights, 0), np.maximum(-weights, 0)
    ratio = minus.sum() / (plus.sum() + minus.sum())
    expected = modularity(plus, LABELS) - ratio * modularity(minus, LABELS)
    assert modularity(weights, LABELS) == pytest.approx(expected)
    assert modularity_matrix(weights).sum() == pytest.approx(0, abs=1e-12)


def test_inside_share_is_one_minus_the_n_cut_per_module() -> None:
    cut = 0.0
    for i in range(3):
        inside = LABELS == i
        leaving = WEIGHTS[np.ix_(inside, ~inside)].sum()
        cut += leaving / WEIGHTS[inside].sum()
    assert inside_share(WEIGHTS, LABELS) == pytest.approx(1 - cut / 3)


def test_pair_auc_is_that_of_scikit_learn() -> None:
    pairs = np.triu_indices(9, 1)
    same = LABELS[pairs[0]] == LABELS[pairs[1]]
    rounded = WEIGHTS.round(1)  # with ties
    assert pair_auc(rounded, LABELS) == pytest.approx(roc_auc_score(same, rounded[pairs]))


def test_silhouette_is_that_of_scikit_learn() -> None:
    distance = WEIGHTS.max() - WEIGHTS
    np.fill_diagonal(distance, 0.0)
    alone = np.array([0, 0, 0, 1, 1, 1, 1, 1, 4])
    for labels in (LABELS, alone):
        expected = silhouette_score(distance, labels, metric="precomputed")
        assert silhouette(WEIGHTS, labels) == pytest.approx(expected)


def test_contrast_by_hand() -> None:
    weights = np.array([[0.0, 3.0, 1.0], [3.0, 0.0, 2.0], [1.0, 2.0, 0.0]])
    assert contrast(weights, np.array([0, 0, 1])) == 1.5


@pytest.mark.parametrize("name", list(STATISTICS))
def test_planted_modules_score_higher_than_any_others_of_their_sizes(name: str) -> None:
    weights, truth = planted([3, 4, 5], 0.1, 0)
    generator = np.random.default_rng(0)
    others = [STATISTICS[name](weights, generator.permutation(truth)) for _ in range(50)]
    assert STATISTICS[name](weights, truth) > max(others)


@pytest.mark.parametrize("name", ["contrast", "pair_auc", "silhouette"])
def test_one_module_has_no_contrast(name: str) -> None:
    assert np.isnan(STATISTICS[name](WEIGHTS, np.zeros(9, dtype=int)))
    if name != "silhouette":
        assert np.isnan(STATISTICS[name](WEIGHTS, np.arange(9)))
