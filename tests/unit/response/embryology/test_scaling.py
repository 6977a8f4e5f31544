"""One scale for all checkpoints, or one for each."""

import numpy as np
import pytest
import xarray as xr

from laws.planted_tokens import cloud
from somite.core.errors import InputError
from somite.response.embryology.scaling import series_scale, series_values, series_vectors


def series(factors: tuple[float, ...] = (1.0, 2.0)) -> xr.DataArray:
    steps = xr.Variable("checkpoint", np.arange(len(factors)) * 10)
    return xr.concat([factor * cloud("round") for factor in factors], steps)


def test_growth_is_kept_by_one_scale_only():
    each = series_vectors(series(), "each", center_rows=True)
    np.testing.assert_allclose(each[0], each[1])
    pooled = series_vectors(series(), "pooled", center_rows=True)
    spread = pooled.std("token")
    np.testing.assert_allclose(spread[1], 2 * spread[0])
    assert pooled.dims == ("checkpoint", "token", "component")


def test_what_is_no_series():
    with pytest.raises(InputError, match="table must hold at least 2 checkpoints"):
        series_values(cloud("round"))
    with pytest.raises(InputError, match="table must hold at least 2 checkpoints"):
        series_values(series((1.0,)))
    with pytest.raises(InputError, match="scale must be a known name, got 'none'"):
        series_scale(series(), "none")
    flat = series((1.0, 0.0))
    with pytest.raises(InputError, match="component 0:0 must answer differently"):
        series_scale(flat, "each")
