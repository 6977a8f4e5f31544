import math

import numpy as np
import pytest

from somite import richardson
from somite.core.errors import InputError
from somite.sampling.convergence import mean_error
from unit.estimators.recorded import normal, recorded, spoiled

TRUTH, SLOPE = 3.0, 5.0


def pair(order: int = 1, **settings: object):
    """Runs at 0.1 and 0.2 whose mean loss is off by a power of the step."""
    made = []
    for seed, (step, draws) in enumerate(((0.1, 80), (0.2, 40))):
        loss = 0.01 * normal(2, 4, draws, seed=seed)
        loss += (TRUTH + SLOPE * step**order) / 10 - loss.mean((1, 2), keepdims=True)
        made.append(recorded({"loss": loss}, draws=draws, step_size=step, seed=seed, **settings))
    return made


@pytest.mark.parametrize(
    ("order", "settings"),
    [
        (1, {"kernel": "SGLD"}),
        (2, {"kernel": "BAOAB", "friction": 2.0}),
        (4, {"kernel": "BAOAB", "friction": math.inf}),
    ],
)
def test_a_bias_of_its_order_is_taken_out_exactly(order, settings):
    fine, coarse = pair(order, **settings)
    table = richardson(fine, coarse)
    np.testing.assert_allclose(table.llc, TRUTH)
    np.testing.assert_allclose(table.plain_llc, TRUTH + SLOPE * 0.1**order)
    other = pair(order + 1, **settings)
    assert (abs(richardson(*other).llc - TRUTH) > 1e-6).all()
    first, second = (10 * mean_error(run.loss.values[1]) for run in (fine, coarse))
    weight = {1: 2, 2: 4 / 3, 4: 16 / 15}[order]
    error = math.hypot(weight * first, (weight - 1) * second)
    assert table.mcse.values[1] == pytest.approx(error)
    assert table.plain_mcse.values[1] == pytest.approx(first)


def test_failed_chains_of_both_runs_are_counted():
    fine, coarse = pair()
    with pytest.raises(InputError, match="component 0:0 must have chains"):
        richardson(fine, spoiled(coarse))
    table = richardson(spoiled(fine, chain=0), spoiled(coarse), "leave out")
    assert table.chains_failed.values.tolist() == [2, 0]
    none = spoiled(spoiled(fine.isel(chain=[0, 1]), chain=0), chain=1)
    table = richardson(none, coarse, "leave out")
    assert table.remark.values.tolist() == ["too few chains are left", ""]
    assert np.isnan(table.llc.values[0])


def test_a_negative_result_is_kept_and_explained():
    fine, coarse = pair()
    table = richardson(*(run.assign(loss=run.loss - 1) for run in (fine, coarse)))
    assert (table.llc < 0).all()
    assert "negative by more than 2 errors" in table.remark.values[0]


@pytest.mark.parametrize("kernel", ["RMSpropSGLD", "AdamSGLD", "SGNHT", "MALA", "HMC", "Mine"])
def test_other_kernels_are_refused_with_the_reason(kernel):
    reason = "each run learns steps" if "S" in kernel and "GLD" in kernel else r"\w+"
    with pytest.raises(InputError, match=f"must be SGLD or BAOAB: {reason}.*'{kernel}'"):
        richardson(*pair(kernel=kernel))


def test_minibatches_are_refused_for_baoab():
    fine, coarse = pair(2, kernel="BAOAB", friction=2.0, full_gradients=False, batch_size=8)
    with pytest.raises(
        InputError, match=r"batch of the draws must be the whole data for BAOAB.* 8"
    ):
        richardson(fine, coarse)


def test_runs_that_do_not_go_together_are_refused():
    fine, coarse = pair()
    with pytest.raises(InputError, match="n_beta of the runs must be the same"):
        richardson(fine, coarse.assign_attrs(n_beta=11.0))
    with pytest.raises(InputError, match=r"step_size of the two runs must be .* its double"):
        richardson(coarse, fine)
    with pytest.raises(
        InputError, match=r"step_size · thin · draws must be the same.*half as many"
    ):
        richardson(fine, coarse.isel(draw=slice(20)))
    with pytest.raises(InputError, match="seed of the two runs must differ"):
        richardson(fine, coarse.assign_attrs(seed=0))
