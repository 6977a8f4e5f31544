import numpy as np
import pytest
import xarray as xr

from somite.baselines.arrays import (
    checked,
    component_names,
    matrix_between,
    require_active,
    require_varying,
    unit_diagonal,
)
from somite.core.errors import InputError
from unit.baselines.small import drawn, series

DIMS = ("component", "sample", "feature")


def test_axes_come_in_the_asked_order_and_a_feature_may_be_missing():
    values = drawn(3, 4, 2)
    turned = series(values, "feature").transpose("feature", "sample", "component")
    np.testing.assert_array_equal(checked("activations", turned, DIMS), values)
    assert checked("activations", series(values[..., 0]), DIMS).shape == (3, 4, 1)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (series(drawn(3, 4), samples="time"), "x must have the dims component, sample"),
        (series(drawn(1, 4)), r"x must hold at least two components, each once, got \['c0'\]"),
        (series(drawn(2, 4)).assign_coords(component=["a", "a"]), "at least two components"),
        (series(drawn(2, 1)), "x must hold at least 2 of sample, got 1"),
        (series(np.array([[1.0, np.nan], [1.0, 2.0]])), "x must be finite, got '1 NaN or infinite"),
    ],
)
def test_bad_arrays_are_named(values, message):
    with pytest.raises(InputError, match=message):
        checked("x", values, ("component", "sample"), 2)


def test_silent_components_are_named():
    values = series(np.array([[1.0, 2.0], [3.0, 3.0], [0.0, 0.0]]))
    with pytest.raises(InputError, match=r"must vary over samples.*, got 'none for c1, c2'"):
        require_varying("x", values, values.to_numpy())
    with pytest.raises(InputError, match=r"must not be zero everywhere.*, got 'none for c2'"):
        require_active("x", values, values.to_numpy())


def test_components_without_names_are_numbered():
    assert component_names(xr.DataArray(drawn(2, 3), dims=("component", "sample"))) == ["0", "1"]


def test_matrices_are_symmetric_and_named():
    found = matrix_between(drawn(3, 3), ["a", "b", "c"])
    np.testing.assert_array_equal(found, found.T)
    assert found.sel(component="a", other="b") == found.sel(component="b", other="a")
    assert unit_diagonal(np.array([[-4.0, 2.0], [2.0, 1.0]])).tolist() == [[-1.0, 1.0], [1.0, 1.0]]
