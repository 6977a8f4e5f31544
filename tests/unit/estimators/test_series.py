import numpy as np
import pytest

from somite import llc_ladder, richardson, shares, stein_llc
from somite.core.errors import InputError
from somite.estimators.series import explain_sign, tabulate
from unit.estimators.recorded import normal, recorded, spoiled

GOOD = [0, 2, 3]


def mean_row(draws):
    return {"mean": float(draws.loss.mean()), "remark": "fine"}


def test_failed_chains_raise_or_are_left_out_and_counted():
    draws = recorded()
    bad = spoiled(draws)
    with pytest.raises(InputError, match=r"component 0:0 must have chains .*diverged at step 10"):
        tabulate(bad, mean_row)
    table = tabulate(bad, mean_row, "leave out")
    assert table.chains_failed.values.tolist() == [1, 0]
    assert table["mean"].values[0] == pytest.approx(draws.loss.values[0, GOOD].mean())
    assert table["mean"].values[1] == pytest.approx(draws.loss.values[1].mean())
    assert table.attrs == draws.attrs


def test_a_component_without_chains_has_no_value_and_says_so():
    bad = recorded(chains=2)
    for chain in (0, 1):
        bad = spoiled(bad, chain=chain)
    table = tabulate(bad, mean_row, "leave out")
    assert table.remark.values.tolist() == ["too few chains are left", "fine"]
    assert np.isnan(table["mean"].values[0])
    assert table.chains_failed.values.tolist() == [2, 0]
    with pytest.raises(InputError, match="each component must have 1 good chains"):
        tabulate(bad.isel(component=[0]), mean_row, "leave out")


def test_too_little_to_judge_is_refused():
    with pytest.raises(InputError, match="number of draws must be a whole number of at least 8"):
        tabulate(recorded(draws=7), mean_row)
    with pytest.raises(InputError, match=r"number of chains must be .* at least 2"):
        tabulate(recorded(chains=1), mean_row, least_chains=2)
    with pytest.raises(InputError, match="on_failure must be a known name"):
        tabulate(recorded(), mean_row, "ignore")


@pytest.mark.parametrize("estimate", [shares, stein_llc])
def test_control_runs_have_no_estimate(estimate):
    with pytest.raises(InputError, match=r"n_beta of the draws must be positive.*control run"):
        estimate(recorded(n_beta=0.0))


def test_runs_that_disagree_are_named():
    other = recorded().assign_coords(component=["0:0", "0:1"])
    with pytest.raises(InputError, match="components of the runs must be the same"):
        richardson(recorded(), other)
    rungs = [recorded(n_beta=b, probe=normal(2, 4, 50)) for b in (1.0, 2.0)]
    odd = recorded(n_beta=3.0, probe=normal(2, 4, 50), localization=5.0)
    with pytest.raises(InputError, match=r"localization of the runs must be .* \[2.0, 2.0, 5.0\]"):
        llc_ladder([*rungs, odd])


def test_the_sign_is_explained():
    assert explain_sign(1.0, 0.1) == ""
    assert explain_sign(-0.1, 0.1) == "negative within its error: take more draws"
    assert explain_sign(-1.0, 0.1).startswith("negative by more than 2 errors: the chains found")
