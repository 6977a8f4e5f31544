"""Other clusterings agree on planted clusters, and not on labels that mean nothing."""

import numpy as np
import pytest

import somite as so
from laws.planted_tokens import cloud, planted
from somite.core.errors import InputError


def test_all_agree_on_planted_clusters():
    values, _ = planted()
    found = so.cluster_agreement(values, so.token_clusters(values), permutations=19)
    assert found.clustering.values.tolist() == ["k_means", "hdbscan"]
    assert (found.ari == 1).all()
    np.testing.assert_allclose(found.ami, 1)
    assert (found.p_value == 0.05).all()
    assert (found.clusters == 5).all()
    assert found["items"].item() == 300


def test_labels_without_meaning_agree_as_by_chance():
    values, _ = planted()
    clusters = so.token_clusters(values)
    random = np.random.default_rng(0).permutation(clusters.label)
    found = so.cluster_agreement(values, clusters.assign(label=("token", random)), permutations=99)
    assert (abs(found.ari) < 0.05).all()
    assert (found.p_value > 0.01).all()


def test_of_many_items_some_are_drawn():
    values, _ = planted()
    clusters = so.token_clusters(values)
    found = so.cluster_agreement(values, clusters, most_items=150, permutations=19)
    assert found["items"].item() == 150
    assert (found.ari == 1).all()


def test_what_cannot_be_compared():
    values, _ = planted()
    clusters = so.token_clusters(values)
    none = so.token_clusters(cloud("round"))
    with pytest.raises(InputError, match=r"number of clusters must be .* got 0. There is nothing"):
        so.cluster_agreement(cloud("round"), none)
    with pytest.raises(InputError, match=r"table must be of the items \{'token': 300\}"):
        so.cluster_agreement(values[:, :200], clusters)
    with pytest.raises(InputError, match=r"smallest must be .* at least 2, got 1"):
        so.cluster_agreement(values, clusters, smallest=1)
    with pytest.raises(InputError, match=r"permutations must be .* at least 1, got 0"):
        so.cluster_agreement(values, clusters, permutations=0)
