"""PageRank against the dense solution and against push."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from somite.response.spectroscopy.graph import Graph
from somite.response.spectroscopy.pagerank import personalized_pagerank

TELEPORT, TOLERANCE, COARSE = 0.05, 1e-7, 1e-5


def small() -> Graph:
    """Two random groups with a few edges between them."""
    found = nx.planted_partition_graph(3, 12, 0.7, 0.05, seed=1)
    assert nx.is_connected(found)
    return Graph(csr_matrix(nx.to_numpy_array(found)))


def dense(graph: Graph, seed: int, teleport: float) -> np.ndarray:
    """α (I − (1 − α) A D⁻¹)⁻¹ s over D."""
    walk = graph.adjacency.toarray() / graph.degree
    start = np.eye(graph.size)[seed]
    inverse = np.linalg.inv(np.eye(graph.size) - (1 - teleport) * walk)
    return teleport * inverse @ start / graph.degree


def push(graph: Graph, seed: int) -> np.ndarray:
    """Andersen, Chung and Lang: move residual to its neighbours until it is small everywhere."""
    adjacency = graph.adjacency.toarray()
    found, residual = np.zeros(graph.size), np.eye(graph.size)[seed]
    while (residual / graph.degree).max() >= COARSE:
        u = int((residual / graph.degree).argmax())
        held, residual[u] = residual[u], 0.0
        found[u] += TELEPORT * held
        residual += (1 - TELEPORT) * held * adjacency[u] / graph.degree[u]
    return found / graph.degree


def test_it_is_the_dense_solution():
    graph = small()
    seeds = np.array([0, 13, 35])
    found = personalized_pagerank(graph, seeds, TELEPORT, TOLERANCE)
    exact = np.stack([dense(graph, seed, TELEPORT) for seed in seeds], 1)
    assert abs(found - exact).max() <= TOLERANCE
    wrong = np.stack([dense(graph, seed, 1.05 * TELEPORT) for seed in seeds], 1)
    assert abs(found - wrong).max() > 100 * TOLERANCE
    np.testing.assert_allclose(graph.degree @ found, 1, atol=1e-4)


def test_push_says_the_same():
    graph = small()
    found = personalized_pagerank(graph, np.array([4]), TELEPORT, TOLERANCE)[:, 0]
    assert abs(found - push(graph, 4)).max() <= COARSE + TOLERANCE


def test_seeds_do_not_act_on_each_other():
    graph = small()
    both = personalized_pagerank(graph, np.array([0, 20]), TELEPORT, 1e-12)
    alone = personalized_pagerank(graph, np.array([20]), TELEPORT, 1e-12)
    np.testing.assert_allclose(both[:, 1], alone[:, 0], atol=1e-12)


@pytest.mark.parametrize("teleport", [0.001, 0.9])
def test_nothing_leaves_a_part_without_edges_to_others(teleport):
    pair = np.kron(np.eye(2), np.ones((4, 4)) - np.eye(4))
    found = personalized_pagerank(Graph(csr_matrix(pair)), np.array([1]), teleport, 1e-9)
    assert (found[4:] == 0).all()
    assert found[:4].sum() * 3 == pytest.approx(1)
