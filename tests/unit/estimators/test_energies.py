import numpy as np
import pytest

from somite.core.errors import InputError
from somite.estimators import energy_correlation
from somite.sampling.convergence import mean_error
from unit.estimators.recorded import normal, recorded, spoiled


def draws_with(energies: np.ndarray):
    """Draws of one component whose blocks A, B have these energies (chain, probe draw, block)."""
    draws = recorded(components=1, probe=normal(1, 4, 50)).assign_coords(component=["full"])
    dims = ("component", "chain", "probe_draw", "block")
    return draws.assign(block_energy=(dims, energies[None])).assign_coords(block=["A", "B"])


def correlated(part: float = 0.6):
    a, b = normal(4, 50, seed=1), normal(4, 50, seed=2)
    return draws_with(np.stack([a, part * a + (1 - part**2) ** 0.5 * b], -1))


def test_covariance_and_correlation_are_those_of_the_series():
    draws = correlated()
    table = energy_correlation(draws)
    a, b = 10 * draws.block_energy.values[0].reshape(-1, 2).T
    np.testing.assert_allclose(table.covariance, np.cov(a, b, ddof=0))
    np.testing.assert_allclose(table.correlation, np.corrcoef(a, b))
    pair = table.sel(block="A", other="B")
    products = ((a - a.mean()) * (b - b.mean())).reshape(4, 50)
    assert pair.covariance_mcse.item() == pytest.approx(mean_error(products))


def test_the_error_of_a_correlation_covers_its_spread():
    found = []
    for seed in range(60):
        a, b = normal(4, 50, seed=2 * seed), normal(4, 50, seed=2 * seed + 1)
        pair = energy_correlation(draws_with(np.stack([a, 0.6 * a + 0.8 * b], -1)))
        found.append(pair.sel(block="A", other="B"))
    z = [(one.correlation.item() - 0.6) / one.correlation_mcse.item() for one in found]
    assert 0.75 < np.std(z) < 1.3


def test_an_energy_that_does_not_vary_correlates_with_nothing():
    table = energy_correlation(draws_with(np.stack([normal(4, 50), np.ones((4, 50))], -1)))
    assert np.isnan(table.correlation.sel(block="A", other="B").item())
    assert table.correlation.sel(block="A", other="A").item() == pytest.approx(1)


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(InputError, match="draws must hold block energies"):
        energy_correlation(recorded())
    with pytest.raises(InputError, match="component whole must be among the components"):
        energy_correlation(correlated(), "whole")
    lacking = correlated()
    lacking.block_energy[..., 1] = np.nan
    with pytest.raises(InputError, match=r"component full must move all blocks, got \['B'\]"):
        energy_correlation(lacking)
    with pytest.raises(InputError, match="number of probe draws"):
        energy_correlation(correlated().isel(probe_draw=slice(4)))
    failed = spoiled(correlated())
    with pytest.raises(InputError, match="must have chains that all ended well"):
        energy_correlation(failed)
    assert energy_correlation(failed, on_failure="leave out").chains_failed.item() == 1
    with pytest.raises(InputError, match="number of good chains"):
        energy_correlation(spoiled(correlated().isel(chain=[0]), chain=0), on_failure="leave out")
