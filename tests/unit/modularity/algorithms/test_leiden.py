import sys
from types import ModuleType

import networkx as nx
import numpy as np
import pytest

from somite.core.errors import InputError
from somite.modularity.algorithms.leiden import leiden
from unit.modularity.planted import planted


def stand_in(seen: list[object]) -> ModuleType:
    """What of scikit-network is called, with networkx inside: tests the way there and back."""

    class Leiden:
        def __init__(self, **settings: object) -> None:
            seen.append(settings)

        def fit_predict(self, adjacency):
            seen.append(adjacency)
            graph = nx.from_scipy_sparse_array(adjacency)
            labels = np.zeros(adjacency.shape[0], dtype=np.int32)
            for i, members in enumerate(nx.community.louvain_communities(graph, seed=0)):
                labels[list(members)] = i
            return labels

    module = ModuleType("sknetwork.clustering")
    module.Leiden = Leiden
    return module


def test_the_error_names_the_extra(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sknetwork.clustering", None)
    words = r'scikit-network must be installed for the algorithm leiden.*"somite\[leiden\]"'
    with pytest.raises(InputError, match=words):
        leiden(np.ones((3, 3)), [], 0)


def test_it_is_given_positive_weights_and_a_seed_and_refined_on_all(monkeypatch) -> None:
    seen: list = []
    monkeypatch.setitem(sys.modules, "sknetwork", ModuleType("sknetwork"))
    monkeypatch.setitem(sys.modules, "sknetwork.clustering", stand_in(seen))
    weights, truth = planted([4, 5], 0.2, 0)
    found = leiden(weights, [], 3)
    assert found.shape == (1, 9)
    assert (found[0] == (truth != truth[0])).all()
    assert seen[0]["random_state"] == 3
    assert seen[0]["modularity"] == "newman"
    assert seen[1].min() >= 0
    assert leiden(-np.ones((3, 3)), [], 0).shape == (1, 3)  # nothing positive to give it
    assert len(seen) == 2
