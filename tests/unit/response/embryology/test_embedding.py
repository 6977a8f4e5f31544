"""Positions over checkpoints: turned pictures are the same one, shares of variance have errors."""

import sys

import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import silhouette_score

import somite as so
from laws.planted_tokens import cloud, planted
from somite.core.errors import InputError
from somite.response.embryology import embedding

STEPS = xr.Variable("checkpoint", [0, 10, 20])


def turned(values: xr.DataArray) -> xr.DataArray:
    """Three checkpoints that differ by the order of components: a rotation of the vectors."""
    orders = np.arange(8), np.arange(8)[::-1], np.roll(np.arange(8), 3)
    return xr.concat([values.copy(data=values.values[order]) for order in orders], STEPS)


def test_rotations_of_the_vectors_are_undone():
    values = cloud("long")
    vectors = so.token_vectors(values).values
    found = so.embed_tokens(turned(values), axes=3).position
    for later in found[1:]:
        np.testing.assert_allclose(later, found[0], atol=1e-9)
    own = np.linalg.svd(vectors, full_matrices=False)[1][:3]
    np.testing.assert_allclose(np.linalg.norm(found[2], axis=0), own)


def test_explained_is_that_of_the_singular_values():
    table = turned(cloud("long"))
    found = so.embed_tokens(table)
    squares = np.linalg.svd(so.token_vectors(table[0]).values, compute_uv=False) ** 2
    np.testing.assert_allclose(found.explained[0], squares / squares.sum(), atol=1e-12)
    assert found.position.dims == ("checkpoint", "token", "axis")
    assert found.checkpoint.values.tolist() == [0, 10, 20]


def shares(one, table):
    """Shares of variance of a replicate on the scale of the estimate, by singular values."""
    scaled = (one - table.mean("token")) / table.std("token")
    centered = scaled - scaled.mean("component")
    clouds = (centered - centered.mean("token")).transpose("checkpoint", "token", "component")
    squares = np.linalg.svd(clouds.values, compute_uv=False) ** 2
    return squares / squares.sum(1, keepdims=True)


def test_errors_are_the_spread_over_replicates():
    table = turned(cloud("long"))
    random = np.random.default_rng(0)
    noise = 0.2 * random.normal(size=(6, *table.shape))
    replicates = table + xr.DataArray(noise, dims=("replicate", *table.dims))
    found = so.embed_tokens(table, replicates=replicates)
    alone = [shares(replicates[{"replicate": i}], table) for i in range(6)]
    np.testing.assert_allclose(found.explained_error, np.std(alone, axis=0, ddof=1), atol=1e-12)
    same = so.embed_tokens(table, replicates=table.expand_dims(replicate=2))
    np.testing.assert_allclose(same.explained_error, 0, atol=1e-12)


def test_without_umap_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    words = r'umap-learn must be installed, got .*pip install "somite\[umap\]"'
    with pytest.raises(InputError, match=words):
        so.embed_tokens(turned(cloud("long")), method="umap")


@pytest.mark.slow  # compiles for a minute
def test_umap_keeps_clusters_apart_and_checkpoints_together():
    pytest.importorskip("umap", reason="the extra `umap` is not installed")
    values, truth = planted(clusters=3)
    table = xr.concat([values, values + 0.1, values], STEPS)
    found = so.embed_tokens(table, method="umap", seed=1)
    assert found.position.shape == (3, 180, 2)
    assert np.isfinite(found.position).all()
    for places in found.position.values:
        assert silhouette_score(places, truth) > 0.5
    apart = np.linalg.norm(found.position.std("token"), axis=-1)
    moved = np.linalg.norm(found.position.diff("checkpoint"), axis=-1).mean(1)
    assert (moved < apart[1:]).all()


@pytest.mark.slow  # compiles for a minute
def test_umap_needs_more_tokens_than_neighbours():
    pytest.importorskip("umap", reason="the extra `umap` is not installed")
    with pytest.raises(InputError, match=f"number of items must be .* {embedding.NEIGHBORS + 1}"):
        so.embed_tokens(turned(cloud("round", size=30)), method="umap")


def test_bad_requests():
    table = turned(cloud("long"))
    with pytest.raises(InputError, match="method must be a known name, got 'tsne'"):
        so.embed_tokens(table, method="tsne")
    with pytest.raises(InputError, match="axes must be at most 7 for these components, got 8"):
        so.embed_tokens(table, axes=8)
    with pytest.raises(InputError, match=r"axes must be .* at least 1, got 0"):
        so.embed_tokens(table, axes=0)
    with pytest.raises(InputError, match="replicates must have the dim replicate and be of"):
        so.embed_tokens(table, replicates=table)
    with pytest.raises(InputError, match=r"number of replicates must be .* 2, got 1"):
        so.embed_tokens(table, replicates=table.expand_dims(replicate=1))
