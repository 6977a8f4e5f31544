"""Conductance by hand and by networkx; where it dips and where not."""

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_matrix

import somite as so
from somite.response.spectroscopy.graph import Graph
from somite.response.spectroscopy.sweep import conductances, dip, sweep

FEW = so.Conductance(smallest=2)


def triangles() -> Graph:
    """Two triangles 0 1 2 and 3 4 5, joined by the edge 2–3."""
    edges = [(0, 1), (0, 2), (1, 2), (2, 3), (3, 4), (3, 5), (4, 5)]
    return Graph(csr_matrix(nx.to_numpy_array(nx.Graph(edges), nodelist=range(6))))


def test_conductance_by_hand():
    found = conductances(triangles(), np.arange(6))
    np.testing.assert_allclose(found, [2 / 2, 2 / 4, 1 / 7, 2 / 10, 2 / 12, 0])


def test_conductance_of_random_sets_is_that_of_networkx():
    made = nx.gnp_random_graph(30, 0.3, seed=2)
    graph = Graph(csr_matrix(nx.to_numpy_array(made)))
    order = np.random.default_rng(0).permutation(30)
    found = conductances(graph, order)
    halves = np.flatnonzero(np.cumsum(graph.degree[order]) <= graph.degree.sum() / 2)
    assert len(halves) > 10
    exact = [nx.conductance(made, order[: size + 1].tolist()) for size in halves]
    np.testing.assert_allclose(found[halves], exact)


def test_the_cut_of_a_triangle_is_the_triangle():
    cut = sweep(triangles(), np.array([3.0, 2, 1, 0.5, 0.1, 0]), 0, so.Conductance(smallest=3))
    assert sorted(cut.members) == [0, 1, 2]
    assert cut.conductance == pytest.approx(1 / 7)
    assert cut.seed == 0


def volumes(values: list[float]) -> np.ndarray:
    return np.arange(1.0, len(values) + 1)


def test_a_fall_has_no_dip():
    values = np.linspace(1, 0, 60)
    assert dip(values, volumes(values), FEW) is None


def test_the_first_dip_is_taken():
    values = [1, 0.9, 0.3, 0.5, 0.6, 0.4, 0.1, 0.5, 0.5, 0.5, *[0.4] * 10, 0]
    assert dip(np.array(values), volumes(values), FEW) == 3


def test_a_dip_that_is_undercut_within_the_window_is_none():
    values = [1, 0.9, 0.3, 0.31, 0.2, 0.5, 0.6, 0.6, 0.6, *[0.5] * 10, 0]
    assert dip(np.array(values), volumes(values), FEW) == 5
    near = so.Conductance(smallest=2, window=1.1)
    assert dip(np.array(values), volumes(values), near) == 3


def test_a_dip_has_to_be_deep_enough():
    values = [1, 0.9, 0.5, 0.502, 0.501, *[0.1] * 10, 0]
    assert dip(np.array(values), volumes(values), FEW) is None
    shallow = so.Conductance(smallest=2, main_body=0.999)
    assert dip(np.array(values), volumes(values), shallow) == 3


def test_a_set_of_more_than_half_is_no_cut():
    values = [1, 0.9, 0.8, 0.7, 0.6, 0.1, 0.5, 0.4, 0.3, 0]
    assert dip(np.array(values), volumes(values), FEW) is None
    heavy = np.array([1, 2, 3, 4, 5, 6, 12, 13, 14, 15.0])
    assert dip(np.array(values), heavy, FEW) == 6


def test_small_sets_are_no_cuts():
    values = [1, 0.1, 0.5, 0.4, 0.6, 0.6, 0.6, *[0.55] * 10, 0]
    assert dip(np.array(values), volumes(values), FEW) == 2
    assert dip(np.array(values), volumes(values), so.Conductance(smallest=3)) == 4
    assert dip(np.array(values), volumes(values), so.Conductance(smallest=18)) is None
