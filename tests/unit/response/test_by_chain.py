"""Responses of single chains: their mean is n_beta times the susceptibility within chains."""

import numpy as np
import pytest
import xarray as xr

import somite as so
from laws.linear_response import AXES, N_BETA, Case
from somite.core.errors import InputError


@pytest.fixture(scope="module")
def recorded() -> tuple[xr.Dataset, xr.DataArray]:
    case = Case(4, items=3, draws=100)
    losses = xr.DataArray(case.losses[None], {"component": ["A"]}, (*AXES, "example"))
    return case.dataset(), losses


def test_each_chain_has_the_covariance_of_its_own_draws(recorded):
    draws, losses = recorded
    found = so.responses(draws, losses)
    assert found.dims == ("chain", "component", "example")
    mean = draws.probe_loss.sel(probe="reference").values[0]
    for chain in (0, 2):
        change = losses.values[0, chain, :, 1] - mean[chain]
        expected = -N_BETA * np.cov(mean[chain], change)[0, 1]
        assert found[chain, 0, 1].item() == pytest.approx(expected, rel=1e-9)


def test_another_observable_enters(recorded):
    draws, losses = recorded
    observable = losses.isel(example=2)
    found = so.responses(draws, losses, observable=observable)
    change = losses.values[0, 1, :, 0] - draws.probe_loss.sel(probe="reference").values[0, 1]
    expected = -N_BETA * np.cov(observable.values[0, 1], change)[0, 1]
    assert found[1, 0, 0].item() == pytest.approx(expected, rel=1e-9)


def test_failed_chains_are_left_out_by_name(recorded):
    draws, losses = recorded
    status = draws.status.astype(object)
    status[0, 1] = "diverged at step 3"
    broken = draws.assign(status=status)
    found = so.responses(broken, losses, on_failure="leave out")
    assert 1 not in found.chain.values
    np.testing.assert_array_equal(found.sel(chain=2), so.responses(draws, losses).sel(chain=2))
    with pytest.raises(InputError, match="must have chains that all ended well"):
        so.responses(broken, losses)


def test_bad_input_is_refused(recorded):
    draws, losses = recorded
    with pytest.raises(InputError, match=r"number of good chains must be .* at least 2, got 1"):
        so.responses(draws.isel(chain=[0]), losses.isel(chain=[0]))
    with pytest.raises(InputError, match="losses or observable must have the axis chain"):
        so.responses(draws, losses.isel(chain=0))
    with pytest.raises(InputError, match=r"n_beta of the draws must be positive, got 0\.0"):
        so.responses(draws.assign_attrs(n_beta=0.0), losses)
    with pytest.raises(InputError, match="on_failure must be a known name"):
        so.responses(draws, losses, on_failure="hope")
