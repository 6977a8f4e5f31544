"""Neighbourhoods by networkx, and one seed at least in every cluster."""

import networkx as nx
import numpy as np
from scipy.sparse import csr_matrix

from laws.planted_tokens import planted
from somite.response.spectroscopy import seeds
from somite.response.spectroscopy.graph import Graph, neighbor_graph


def test_conductance_of_neighbourhoods_is_that_of_networkx(monkeypatch):
    monkeypatch.setattr(seeds, "ROWS", 7)
    made = nx.gnp_random_graph(60, 0.08, seed=3)
    assert min(dict(made.degree).values()) > 0
    graph = Graph(csr_matrix(nx.to_numpy_array(made)))
    found = seeds.neighborhood_conductance(graph)
    for node in made:
        near = {node, *made[node]}
        exact = nx.cut_size(made, near) / nx.volume(made, near)
        assert abs(found[node] - exact) < 1e-12


def test_every_cluster_has_a_seed_and_the_best_come_first():
    values, truth = planted()
    graph = neighbor_graph(values.values.T, 20)
    order = seeds.seed_order(graph)
    assert set(truth[order]) == set(truth)
    numbers = seeds.neighborhood_conductance(graph)[order]
    assert (np.diff(numbers) >= 0).all()
    assert len(order) < len(truth) / 4
