import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.matrix import check_matrix, negative_share
from unit.modularity.planted import named, planted


def test_a_good_matrix_is_put_in_order_and_its_diagonal_may_be_unknown() -> None:
    weights, _ = planted([3, 4], 0.2, 0)
    unknown = weights + np.diag(np.full(7, np.nan))
    found = check_matrix(named(unknown).transpose("other", "component"))
    assert found.dims == ("component", "other")
    assert (found.to_numpy() == weights).all()


def test_bad_matrices_are_refused() -> None:
    good = np.ones((3, 3))
    bad = good.copy()
    bad[0, 1] = bad[1, 0] = np.nan
    crooked = good.copy()
    crooked[0, 1] = 2.0
    cases = {
        "must have the dims component, other": named(good).rename(other="column"),
        "must be finite, got '2 NaN or infinite weights'": named(bad),
        "must be symmetric, got 'weights 1 apart'": named(crooked),
        "must have an edge: a weight above zero": named(-good),
        "must have an edge: .*none between two components": named(np.eye(3)),
        "must hold at least 2 components, got 1": named(np.ones((1, 1))),
        "must name the same components": named(good).assign_coords(other=list("abc")),
        "each once": xr.DataArray(good, dims=("component", "other")),
    }
    for words, matrix in cases.items():
        with pytest.raises(InputError, match=words):
            check_matrix(matrix)


def test_negative_share_does_not_look_at_the_diagonal() -> None:
    assert negative_share(np.array([[-5.0, 1.0], [1.0, -5.0]])) == 0.0
