"""Tokens of clusters in their text, by hand."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from somite.core.errors import InputError

ROWS = np.array([[0, 1, 2, 3, 1], [1, 1, 4, 0, 2]])
TEXT = "abcde".__getitem__


def clusters() -> xr.Dataset:
    label = np.array([[0, -1, 1, 0], [0, -1, -1, 1]])
    inside = np.array([[0.5, 0, 0.2, 0.9], [0.5, 0, 0, 0.3]])
    dims = ("example", "token")
    return xr.Dataset(
        {"label": (dims, label), "inside": (dims, inside), "size": ("cluster", [3, 2])}
    )


def test_the_deepest_tokens_come_first_with_their_context():
    found = so.cluster_examples(clusters(), ROWS, TEXT, count=3, around=2)
    words = [[found[name][0, i].item() for name in ("left", "word", "right")] for i in range(3)]
    assert words == [["cd", "b", ""], ["a", "b", "cd"], ["b", "b", "ea"]]
    assert found.example[0].values.tolist() == [0, 0, 1]
    assert found.token[0].values.tolist() == [3, 0, 0]


def test_places_that_a_cluster_does_not_fill_are_empty():
    found = so.cluster_examples(clusters(), ROWS, TEXT, count=3).sel(cluster=1)
    assert found.word.values.tolist() == ["c", "d", ""]
    assert found.example.values.tolist() == [1, 0, -1]


def test_the_commonest_token():
    found = so.cluster_examples(clusters(), ROWS, TEXT)
    assert found.commonest.values.tolist() == ["b", "c"]
    assert found.share.values.tolist() == [1.0, 0.5]


def test_without_clusters_there_is_nothing_to_show():
    found = so.cluster_examples(clusters().isel(cluster=[]), ROWS, TEXT)
    assert dict(found.sizes) == {"cluster": 0, "rank": 10}


def test_bad_requests():
    with pytest.raises(InputError, match="count must be a whole number of at least 1, got 0"):
        so.cluster_examples(clusters(), ROWS, TEXT, count=0)
    with pytest.raises(InputError, match="around must be a whole number of at least 0, got -1"):
        so.cluster_examples(clusters(), ROWS, TEXT, around=-1)
    with pytest.raises(InputError, match=r"tokens must be whole numbers of shape \(2, 5\)"):
        so.cluster_examples(clusters(), ROWS[:, 1:], TEXT)
