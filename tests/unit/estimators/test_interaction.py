import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.estimators import interaction, pair_matrix
from somite.sampling.convergence import mean_error
from unit.estimators.pairs import pair_draws
from unit.estimators.recorded import normal, spoiled


def test_it_is_the_mean_of_the_joint_series_with_its_error():
    draws = pair_draws()
    table = interaction(draws)
    a, b, both = 10 * draws.loss.values
    assert table.pair.values.tolist() == ["A|B"]
    assert (table["first"].item(), table["second"].item()) == ("A", "B")
    assert table.interaction.item() == pytest.approx((a + b - both).mean())
    assert table.mcse.item() == pytest.approx(mean_error(a + b - both))
    assert table.z.item() == pytest.approx(table.interaction.item() / table.mcse.item())
    assert table.llc_union.item() == pytest.approx(both.mean())
    assert table.attrs == draws.attrs


def test_adding_variances_is_another_error():
    draws = pair_draws()
    apart = np.hypot.reduce([mean_error(10 * one) for one in draws.loss.values])
    assert apart > 10 * interaction(draws).mcse.item()


def test_a_slow_wandering_on_the_probe_makes_the_error():
    slow = np.cumsum(normal(3, 4, 50, seed=8), axis=-1)
    draws = pair_draws(probe=slow)
    a, b, both = 10 * slow
    assert interaction(draws).mcse.item() == pytest.approx(mean_error(a + b - both))


def test_runs_of_single_components_join_if_they_are_alike():
    draws = pair_draws()
    runs = [draws.isel(component=[i]) for i in range(3)]
    xr.testing.assert_identical(interaction(runs), interaction(draws))


@pytest.mark.parametrize("name", ["n_beta", "localization", "seed", "step_size"])
def test_runs_that_differ_are_refused(name):
    draws = pair_draws()
    other = draws.isel(component=[2]).assign_attrs({name: 99})
    with pytest.raises(InputError, match=f"{name} of the runs must be the same"):
        interaction([draws.isel(component=[0, 1]), other])


def test_what_is_missing_or_overlaps_is_named():
    draws = pair_draws()
    with pytest.raises(InputError, match="draws must hold two components and their union"):
        interaction(draws.isel(component=[0, 1]))
    with pytest.raises(InputError, match=r"component B\|A must be among the components"):
        interaction(draws, [("B", "A")])
    overlapping = draws.assign(size=("component", [3, 3, 5]))
    with pytest.raises(
        InputError, match=r"components A, B of A\|B must not overlap.*6 weights of 5"
    ):
        interaction(overlapping)
    with pytest.raises(InputError, match=r"A, B of A\|B must cover the whole, got '4 weights of 5"):
        interaction(draws.assign(size=("component", [2, 2, 5])))
    with pytest.raises(InputError, match="components of the runs must differ, got 'A'"):
        interaction([draws, draws])
    with pytest.raises(InputError, match="number of runs"):
        interaction([])
    with pytest.raises(InputError, match="number of draws"):
        interaction(draws.isel(draw=slice(4)))
    with pytest.raises(InputError, match="n_beta of the draws must be positive"):
        interaction(draws.assign_attrs(n_beta=0.0))


def test_a_chain_that_failed_in_one_component_is_left_out_of_all():
    draws = spoiled(pair_draws(), component=2, chain=1)
    with pytest.raises(InputError, match=r"component A\|B must have chains that all ended well"):
        interaction(draws)
    found = interaction(draws, on_failure="leave out")
    kept = interaction(pair_draws().isel(chain=[0, 2, 3]))
    assert found.interaction.item() == pytest.approx(kept.interaction.item())
    assert found.chains_failed.item() == 1


def test_no_chain_left_is_said():
    draws = pair_draws().isel(chain=[0])
    draws = spoiled(draws, component=0, chain=0)
    found = interaction(draws, on_failure="leave out")
    assert np.isnan(found.interaction.item())
    assert found.remark.item() == "no chain is left"


def test_the_anharmonicity_of_the_union_is_the_gate():
    draws = pair_draws()
    draws["share"] = draws.loss / 0.5
    found = interaction(draws)
    assert found.anharmonicity.item() == pytest.approx(0.5)
    assert "below 1: degenerate" in found.remark.item()
    draws["share"] = draws.loss / 1.5
    assert "above 1: flat" in interaction(draws).remark.item()


def test_a_matrix_of_pairs_is_symmetric_with_holes():
    coordinates = {"pair": [0, 1], "first": ("pair", ["A", "C"]), "second": ("pair", ["B", "A"])}
    matrix = pair_matrix(xr.DataArray([1.0, 2.0], coordinates, ["pair"]))
    assert matrix.component.values.tolist() == ["A", "B", "C"]
    expected = [[np.nan, 1.0, 2.0], [1.0, np.nan, np.nan], [2.0, np.nan, np.nan]]
    np.testing.assert_array_equal(matrix, expected)
