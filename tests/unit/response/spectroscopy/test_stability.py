"""Jaccard of clusters by brute force; clusters that replicates find again, and that they do not."""

import numpy as np
import pytest

import somite as so
from laws.planted_tokens import planted, recorded, table
from somite.core.errors import InputError
from somite.response.spectroscopy.stability import jaccard


def test_jaccard_by_brute_force():
    random = np.random.default_rng(0)
    for _ in range(20):
        one, two = random.integers(-1, 4, 60), random.integers(-1, 5, 60)
        sets = [[set(np.flatnonzero(x == i)) for i in range(x.max() + 1)] for x in (one, two)]
        exact = [max(len(a & b) / len(a | b) for b in sets[1]) for a in sets[0]]
        np.testing.assert_allclose(jaccard(one, two), exact)


def test_jaccard_with_nothing_is_nothing():
    assert jaccard(np.array([0, 0, 1]), np.array([-1, -1, -1])).tolist() == [0, 0]
    assert jaccard(np.array([-1, -1]), np.array([0, 0])).tolist() == []


def stability(noise: float):
    """Clusters of estimated susceptibilities, with their stability."""
    values, _ = planted(clusters=3, components=5)
    draws, losses = recorded(values.values.T / 10, noise)
    found = so.token_clusters(so.susceptibility(draws, losses))
    replicates = so.bootstrap_susceptibility(draws, losses, replicates=5)
    return so.cluster_stability(found, replicates)


def test_little_noise_leaves_clusters_as_they_are():
    found = stability(noise=0.1)
    assert found.sizes["cluster"] == 3
    assert (found.stability == 1).all()
    assert (found.stability_error == 0).all()
    assert found.value.values.tolist()[:2] == [3, 1]
    assert found.error.sel(statistic="clusters") == 0
    assert found.error.sel(statistic="conductance") >= 0


def test_noise_makes_clusters_less_stable():
    found = stability(noise=6.0)
    assert found.sizes["cluster"] > 0
    assert 0 < found.stability.mean() < 0.95
    assert (found.stability_error > 0).any()
    assert found.error.sel(statistic="conductance") > 0


def test_replicates_that_do_not_fit():
    values, _ = planted(clusters=3)
    found = so.token_clusters(values)
    with pytest.raises(InputError, match="replicates must have the dim replicate"):
        so.cluster_stability(found, values)
    with pytest.raises(InputError, match=r"number of replicates must be .* 2, got 1"):
        so.cluster_stability(found, values.expand_dims(replicate=1))
    other = table(np.zeros((100, 8))).expand_dims(replicate=2)
    with pytest.raises(InputError, match=r"replicates must be of the items \{'token': 180\}"):
        so.cluster_stability(found, other)
