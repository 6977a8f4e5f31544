"""Rounds of seeds, cuts that are alike, and labels of cuts that overlap."""

import numpy as np

import somite as so
from laws.planted_tokens import planted
from somite.response.spectroscopy.graph import neighbor_graph
from somite.response.spectroscopy.growth import grow, labels
from somite.response.spectroscopy.sweep import Cut


def cut(members: list[int], conductance: float) -> Cut:
    return Cut(np.array(members), conductance, members[0])


def test_cuts_that_conduct_less_take_their_items_first():
    found = labels([cut([0, 1, 2, 3], 0.3), cut([3, 4], 0.1)], 6, 2)
    assert found.tolist() == [1, 1, 1, 0, 0, -1]


def test_a_cut_without_most_of_its_items_is_dropped():
    found = labels([cut([0, 1, 2, 3, 4], 0.3), cut([2, 3, 4], 0.1)], 5, 2)
    assert found.tolist() == [-1, -1, 0, 0, 0]
    found = labels([cut([0, 1, 2], 0.3), cut([2, 3, 4], 0.1)], 5, 3)
    assert found.tolist() == [-1, -1, 0, 0, 0]


def test_one_cut_for_every_cluster():
    values, truth = planted()
    graph = neighbor_graph(values.values.T, 45)
    cuts = grow(graph, so.Conductance())
    assert len(cuts) == 5
    assert all(len(set(truth[one.members])) == 1 and len(one.members) == 60 for one in cuts)


def test_a_round_that_covers_little_is_the_last():
    values, _ = planted()
    graph = neighbor_graph(values.values.T, 45)
    assert len(grow(graph, so.Conductance(round_size=1))) == 5
    assert len(grow(graph, so.Conductance(round_size=1, new_coverage=0.5))) == 1


def test_few_seeds_at_a_time_change_nothing(monkeypatch):
    values, _ = planted(seed=2)
    graph = neighbor_graph(values.values.T, 45)
    whole = grow(graph, so.Conductance())
    monkeypatch.setattr("somite.response.spectroscopy.growth.NUMBERS", 1)
    for one, other in zip(grow(graph, so.Conductance()), whole, strict=True):
        np.testing.assert_array_equal(np.sort(one.members), np.sort(other.members))
