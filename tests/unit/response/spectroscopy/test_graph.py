"""Nearest neighbours, by brute force."""

import numpy as np
import pytest

from somite.core.errors import InputError
from somite.response.spectroscopy.graph import neighbor_graph


def test_items_are_joined_if_either_is_near_the_other():
    points = np.random.default_rng(0).normal(size=(40, 3))
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    np.fill_diagonal(distance, np.inf)
    near = np.zeros((40, 40), bool)
    np.put_along_axis(near, np.argsort(distance, 1)[:, :4], True, 1)
    graph = neighbor_graph(points, 4)
    np.testing.assert_array_equal(graph.adjacency.toarray(), near | near.T)
    np.testing.assert_array_equal(graph.degree, (near | near.T).sum(0))
    one, two = graph.edges
    assert len(one) == graph.degree.sum() / 2
    assert (one < two).all()


def test_equal_items_are_neighbours_not_themselves():
    graph = neighbor_graph(np.zeros((6, 2)), 2)
    assert graph.adjacency.diagonal().sum() == 0
    assert (graph.degree >= 2).all()


def test_too_few_items():
    with pytest.raises(InputError, match=r"neighbors must be fewer than the items, got 3\."):
        neighbor_graph(np.zeros((3, 2)), 3)
