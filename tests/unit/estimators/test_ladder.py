import numpy as np
import pytest

from somite import llc_ladder
from somite.core.errors import InputError
from somite.estimators.ladder import slopes_matrix
from somite.sampling.convergence import mean_error
from unit.estimators.recorded import normal, recorded, spoiled

N_BETA = (10.0, 15.0, 30.0, 40.0)


def rungs(**settings: object):
    """A ladder in a shuffled order, its probe the loss itself."""
    made = []
    for i, n_beta in enumerate(N_BETA):
        loss = (1 + i) / n_beta + normal(2, 4, 50, seed=i) / n_beta
        made.append(recorded({"loss": loss}, probe=loss, n_beta=n_beta, seed=i, **settings))
    return [made[i] for i in (2, 0, 3, 1)]


def test_slopes_are_those_of_parabolas():
    places = np.log(N_BETA)
    slopes = slopes_matrix(places) @ (3 - 2 * places + 5 * places**2)
    np.testing.assert_allclose(slopes, -2 + 10 * places)


def test_each_rung_is_an_llc():
    table, made = llc_ladder(rungs()), rungs()
    assert table.n_beta.values.tolist() == list(N_BETA)
    first = made[1].loss.values
    np.testing.assert_allclose(table.llc.sel(n_beta=10), 10 * first.mean((1, 2)))
    assert table.mcse.sel(component="1:3", n_beta=10).item() == pytest.approx(
        10 * mean_error(first[1])
    )
    assert "n_beta" not in table.attrs
    assert table.attrs["localization"] == 2.0


def test_errors_of_slopes_come_from_the_joint_series():
    same = 0.3 + normal(1, 4, 50)
    made = [
        recorded({"loss": same / b}, components=1, probe=same / b, n_beta=b) for b in N_BETA
    ]  # n_beta · loss is one and the same series at all rungs
    table = llc_ladder(made)
    np.testing.assert_allclose(table.slope, 0, atol=1e-12)
    np.testing.assert_allclose(table.slope_mcse, 0, atol=1e-12)
    assert (table.mcse > 0.01).all()


def test_the_variance_has_the_variance_of_the_mean_added():
    table, made = llc_ladder(rungs()), rungs()
    energy = 10 * made[1].loss.values[0]
    expected = energy.var() + mean_error(energy) ** 2
    assert table.variance_form.sel(component="0:0", n_beta=10).item() == pytest.approx(expected)


def test_a_chain_that_failed_at_one_rung_is_left_out_at_all():
    made = rungs()
    made[0] = spoiled(made[0])
    with pytest.raises(InputError, match=r"component 0:0 must have chains .*diverged"):
        llc_ladder(made)
    table = llc_ladder(made, "leave out")
    assert table.chains_failed.values.tolist() == [1, 0]
    good = rungs()[1].loss.values[0, [0, 2, 3]]
    assert table.llc.sel(component="0:0", n_beta=10).item() == pytest.approx(10 * good.mean())


def test_a_component_without_chains_is_empty_and_says_so():
    made = [run.isel(chain=[0, 1]) for run in rungs()]
    made[0], made[1] = spoiled(made[0], chain=0), spoiled(made[1], chain=1)
    table = llc_ladder(made, "leave out")
    assert (table.remark.sel(component="0:0") == "no chain is left").all()
    assert np.isnan(table.llc.sel(component="0:0")).all()
    assert np.isfinite(table.llc.sel(component="1:3")).all()


def test_bad_ladders_are_refused():
    made = rungs()
    with pytest.raises(InputError, match=r"number of rungs must be .* at least 3"):
        llc_ladder(made[:2])
    with pytest.raises(InputError, match="n_beta of the rungs must differ"):
        llc_ladder([*made, made[0]])
    with pytest.raises(InputError, match="kernel of the runs must be the same"):
        llc_ladder([*made[:3], made[3].assign_attrs(kernel="BAOAB")])
    with pytest.raises(InputError, match=r"number of reference probe draws must be .* at least 8"):
        llc_ladder([recorded(n_beta=b) for b in N_BETA])
    with pytest.raises(InputError, match="on_failure must be a known name"):
        llc_ladder(made, "ignore")
    with pytest.raises(InputError, match="n_beta of the draws must be positive"):
        llc_ladder([*made, made[0].assign_attrs(n_beta=0.0)])
