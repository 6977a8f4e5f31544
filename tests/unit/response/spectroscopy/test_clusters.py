"""Planted clusters are found, and clouds have none."""

import networkx as nx
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import somite as so
from laws.planted_tokens import cloud, planted
from somite.core.errors import InputError
from somite.response.spectroscopy.graph import neighbor_graph


@pytest.mark.parametrize("seed", range(4))
def test_planted_clusters_are_recovered(seed):
    values, truth = planted(seed=seed)
    found = so.token_clusters(values)
    assert adjusted_rand_score(truth, found.label) == 1.0
    assert found["size"].values.tolist() == [60] * 5
    assert found.coverage.item() == 1.0
    assert (found.conductance.diff("cluster") >= -1e-12).all()


@pytest.mark.parametrize("kind", ["round", "long"])
def test_a_cloud_has_no_clusters(kind):
    counts = [so.token_clusters(cloud(kind, seed=seed)).sizes["cluster"] for seed in range(10)]
    assert sum(counts) <= 1


def test_clusters_in_a_cloud_leave_the_main_body():
    values, truth = planted(clusters=3, size=60, distance=12)
    body = cloud("round", size=400)
    points = np.concatenate([values.values, 1.5 * body.values], axis=1)
    both = body.isel(token=[0] * 580).copy(data=points)
    found = so.token_clusters(both)
    assert found.sizes["cluster"] == 3
    assert adjusted_rand_score([*truth, *[-1] * 400], found.label) > 0.9


def test_order_of_tokens_and_units_of_components_do_not_matter():
    values, _ = planted(seed=5, distance=8)
    found = so.token_clusters(values)
    order = np.random.default_rng(0).permutation(values.sizes["token"])
    turned = so.token_clusters(values[:, order] * 7 + 1)
    assert adjusted_rand_score(found.label[order], turned.label) == 1.0
    np.testing.assert_allclose(np.sort(found.conductance), np.sort(turned.conductance), atol=1e-12)


def test_conductance_and_inside_are_those_of_the_labels():
    values, _ = planted(clusters=3, distance=5)
    found = so.token_clusters(values)
    assert found.sizes["cluster"] > 0
    graph = neighbor_graph(so.token_vectors(values).values, 45)
    made = nx.from_scipy_sparse_array(graph.adjacency)
    for i in range(found.sizes["cluster"]):
        members = set(np.flatnonzero(found.label == i))
        exact = nx.cut_size(made, members) / nx.volume(made, members)
        assert found.conductance[i].item() == pytest.approx(exact)
        first = min(members)
        share = len(members & set(made[first])) / made.degree[first]
        assert found.inside[first].item() == pytest.approx(share)
    assert (found.inside.where(found.label < 0, 0) == 0).all()


def test_axes_of_the_items_are_kept():
    values, _ = planted()
    pairs = values.values.reshape(8, 30, 10)
    table = values.isel(token=[0] * 30).expand_dims(x=10, axis=2).copy(data=pairs)
    found = so.token_clusters(table.rename(token="example", x="token").assign_attrs(seed=3))
    assert found.label.dims == ("example", "token")
    np.testing.assert_array_equal(found.label.values.ravel(), so.token_clusters(values).label)
    assert found.attrs == {"seed": 3}


def test_too_few_items():
    with pytest.raises(InputError, match="neighbors must be fewer than the items, got 40"):
        so.token_clusters(cloud("round", size=40))
