import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.verdict import false_discovery, holm, is_modular
from unit.modularity.planted import named, planted


def test_false_discovery_by_hand() -> None:
    p = xr.DataArray([[0.04, 0.01], [np.nan, 0.03]], dims=("step", "component"))
    found = false_discovery(p)
    assert found.dims == p.dims
    assert found.values[~np.isnan(p)] == pytest.approx([0.04, 0.03, 0.04])
    assert np.isnan(found[1, 0])
    assert np.isnan(false_discovery(p * np.nan)).all()


def test_holm_by_hand() -> None:
    p = xr.DataArray([[0.04, 0.01], [np.nan, 0.03]], dims=("step", "component"))
    found = holm(p)
    assert found.dims == p.dims
    assert found.values[~np.isnan(p)] == pytest.approx([0.06, 0.03, 0.06])
    assert np.isnan(found[1, 0])
    assert holm(xr.DataArray([0.7, 0.9])).values.tolist() == [1.0, 1.0]


def test_two_looks_at_one_matrix_keep_their_level() -> None:
    p = (np.arange(1000) + 0.5) / 1000
    looks = np.stack([p, 1 - p], 1)  # where one sign is high the other is low
    adjusted = np.stack([holm(xr.DataArray(row)).values for row in looks])
    assert (adjusted.min(1) < 0.05).mean() == pytest.approx(0.05, abs=0.002)
    assert (looks.min(1) < 0.05).mean() == pytest.approx(0.1, abs=0.002)


def test_values_that_are_no_p_are_refused() -> None:
    with pytest.raises(InputError, match="p_values must be between 0 and 1"):
        false_discovery(xr.DataArray([0.5, 3.0]))


def test_a_graph_without_edges_is_refused() -> None:
    with pytest.raises(InputError, match="matrix must have an edge"):
        is_modular(named(np.zeros((4, 4))), 0)


def test_the_verdict_follows_p() -> None:
    found = is_modular(named(planted([4, 5], 0.1, 0)[0]), 0, "pairs", repeats=39)
    assert bool(found.modular)
    few = is_modular(named(planted([4, 5], 0.1, 0)[0]), 0, "pairs", repeats=9)
    assert few.p_value.item() == 0.1
    assert not bool(few.modular)
