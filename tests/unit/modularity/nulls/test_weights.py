import numpy as np
import pytest

from somite.core.errors import InputError
from somite.modularity.nulls.weights import shuffled_weights


def test_entries_are_kept_and_moved() -> None:
    weights = np.random.default_rng(0).normal(size=(5, 6))
    found = shuffled_weights(weights, 0)
    assert found.shape == weights.shape
    assert (np.sort(found, axis=None) == np.sort(weights, axis=None)).all()
    assert (found != weights).mean() > 0.8
    assert (shuffled_weights(weights, 1) != found).any()
    assert (shuffled_weights(weights, 0) == found).all()


def test_zeros_stay_where_they_are_if_asked() -> None:
    weights = np.random.default_rng(0).normal(size=(6, 6)) * (np.eye(6) == 0)
    assert (np.diag(shuffled_weights(weights, 0, keep_zeros=True)) == 0).all()
    assert (np.diag(shuffled_weights(weights, 0)) != 0).any()


def test_weights_that_are_not_finite_are_refused() -> None:
    with pytest.raises(InputError, match="weights must be finite, got '1 NaN or infinite weights'"):
        shuffled_weights(np.array([[1.0, np.nan]]), 0)
