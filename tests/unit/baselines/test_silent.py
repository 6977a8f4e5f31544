import numpy as np
import pytest
import xarray as xr

from somite.baselines import METHODS, baseline_matrix, of_mlp, without_silent
from somite.core.errors import InputError
from unit.baselines.small import PlainMLP, drawn, drawn_data, series, square_loss


def network_with_a_dead_unit():
    model = PlainMLP([3, 4, 2], "relu")
    model.layers[0].bias.data[:] = 1.0
    model.layers[0].bias.data[2] = -100.0
    return of_mlp(model, square_loss, drawn_data(40, 3, 2))


def test_dead_units_are_left_out_of_every_variable():
    found = without_silent(network_with_a_dead_unit())
    assert found.attrs["silent"] == ["0:2"]
    assert list(found.component.values) == list(found.other.values) == ["0:0", "0:1", "0:3"]
    for name, method in METHODS.items():
        if method.needs in found:
            assert baseline_matrix(name, found).shape == (3, 3)


def test_nothing_is_left_out_where_all_are_active():
    recording = xr.Dataset({"activations": series(drawn(3, 5))})
    found = without_silent(recording)
    assert found.attrs["silent"] == []
    np.testing.assert_array_equal(found.activations, recording.activations)


def test_constant_activations_are_silent():
    values = drawn(3, 5, 2)
    values[1] = 4.0
    found = without_silent(xr.Dataset({"activations": series(values, "feature")}))
    assert found.attrs["silent"] == ["c1"]


def test_too_few_left_are_named():
    values = np.zeros((3, 5))
    values[0] = np.arange(5)
    with pytest.raises(InputError, match="recording must hold at least two components that do"):
        without_silent(xr.Dataset({"activations": series(values)}))
