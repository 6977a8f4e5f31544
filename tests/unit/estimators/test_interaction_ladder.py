import numpy as np
import pytest

from somite.core.errors import InputError
from somite.estimators import interaction, interaction_ladder
from somite.sampling.convergence import mean_error
from unit.estimators.pairs import pair_draws
from unit.estimators.recorded import spoiled


def rung(n_beta: float, shared: float = 0.3):
    return pair_draws(shared, n_beta=n_beta)


def joint(draws):
    a, b, both = draws.attrs["n_beta"] * draws.loss.values
    return a + b - both


def test_it_is_the_trapezoid_over_log_n_beta_with_the_error_of_the_summed_series():
    runs = [rung(20.0, 0.2), rung(10.0, 0.1), rung(40.0, 0.3)]
    table = interaction_ladder(runs)
    low, middle, high = (joint(run) for run in (runs[1], runs[0], runs[2]))
    series = np.log(2) * (low / 2 + middle + high / 2)
    assert table.n_beta.values.tolist() == [10.0, 20.0, 40.0]
    assert table.pmi.item() == pytest.approx(series.mean())
    assert table.pmi_mcse.item() == pytest.approx(mean_error(series))
    for run in runs:
        one = table.interaction.sel(n_beta=run.attrs["n_beta"]).item()
        assert one == pytest.approx(interaction(run).interaction.item())


def test_rungs_must_be_a_ladder():
    with pytest.raises(InputError, match=r"number of rungs must be .* at least 2"):
        interaction_ladder([rung(10.0)])
    with pytest.raises(InputError, match="n_beta of the rungs must differ"):
        interaction_ladder([rung(10.0), rung(10.0)])
    with pytest.raises(InputError, match="localization of the runs must be the same"):
        interaction_ladder([rung(10.0), rung(20.0).assign_attrs(localization=5.0)])


def test_chains_that_failed_at_one_rung_are_left_out_at_all():
    runs = [rung(10.0), spoiled(rung(20.0), component=0, chain=2)]
    with pytest.raises(InputError, match="component A must have chains that all ended well"):
        interaction_ladder(runs)
    table = interaction_ladder(runs, on_failure="leave out")
    kept = interaction_ladder([run.isel(chain=[0, 1, 3]) for run in (rung(10.0), rung(20.0))])
    assert table.pmi.item() == pytest.approx(kept.pmi.item())
    assert table.chains_failed.item() == 1


def test_no_chain_left_is_said():
    runs = [spoiled(rung(n).isel(chain=[0]), chain=0) for n in (10.0, 20.0)]
    table = interaction_ladder(runs, on_failure="leave out")
    assert np.isnan(table.pmi.item())
    assert table.remark.item() == "no chain is left"
