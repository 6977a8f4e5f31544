import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.verdict import false_discovery, is_modular
from unit.modularity.planted import named, planted


def test_false_discovery_by_hand() -> None:
    p = xr.DataArray([[0.04, 0.01], [np.nan, 0.03]], dims=("step", "component"))
    found = false_discovery(p)
    assert found.dims == p.dims
    assert found.values[~np.isnan(p)] == pytest.approx([0.04, 0.03, 0.04])
    assert np.isnan(found[1, 0])
    assert np.isnan(false_discovery(p * np.nan)).all()


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
