"""What a trial says of its cells."""

import math

import numpy as np
import pytest
import torch

from somite.calibration.trial import Problem, Setting, run_trials
from somite.components import components
from somite.core.errors import InputError
from somite.estimators.verdict import CARE, GOOD, REFUSE
from somite.sampling.kernels import BAOAB, SGLD
from unit.calibration.small import Point, power_loss, trial

ROW = torch.zeros(1)


def test_all_is_well():
    found = trial()
    assert found.good == 1
    assert (found.hot, found.early, found.away) == (False, False, False)
    assert found.lacking == 1
    assert found.worst_reason() == ""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("temperature", 1.3),
        ("noise_ratio", 1.5),
        ("step_bias", 0.3),
        ("failure", "diverged at step 3 (loss nan): lower step_size (1) or n_beta (1)"),
    ],
)
def test_a_step_that_is_too_long_shows(column, value):
    found = trial(**{column: value})
    assert found.hot
    assert not found.early
    assert not found.away


def test_a_cold_chain_and_one_with_a_trend_started_too_early():
    assert trial(temperature=0.5).early
    assert trial(trend=0.3, trend_z=9.0).early
    assert not trial(trend=0.3, trend_z=1.0).early
    assert not trial(temperature=0.5).hot


def test_chains_that_left_are_away_and_not_hot():
    drifted = trial(failure="drifted: mean squared distance is 9 times what localization …")
    assert drifted.away
    assert not drifted.hot
    assert trial(distance_ratio=2.0).away


def test_one_cell_in_fifty_is_no_trouble():
    found = trial(cells=50)
    found.table.temperature[0, 0] = 9.0
    assert not found.hot


@pytest.mark.parametrize(
    ("columns", "factor"),
    [
        ({"ess": 20.0}, 2.5),
        ({"ess_tail_probe": 25.0}, 2.0),
        ({"mcse": 0.4}, 4.0),  # a tenth of 2 is 0.2
        ({"mcse": 0.1, "llc": 0.0}, 4.0),  # near zero an error of 0.05 is asked
        ({"ess": np.nan}, 1.0),
    ],
)
def test_how_many_draws_are_lacking(columns, factor):
    assert trial(**columns).lacking == pytest.approx(factor)


def test_the_error_is_the_median_of_those_known():
    found = trial(cells=3, mcse=0.2)
    found.table.mcse[0, 0] = np.nan
    assert found.relative_error == pytest.approx(0.1)
    assert trial(llc=0.01, mcse=0.05).relative_error == pytest.approx(0.1)
    assert trial(llc=np.nan, mcse=np.nan).relative_error == math.inf


def test_anharmonicity_is_the_ratio_of_sums():
    assert trial(llc=3.0, share=4.0).anharmonicity == pytest.approx(0.75)
    assert math.isnan(trial(share=0.0).anharmonicity)


def test_the_commonest_reason_is_told():
    found = trial(cells=3, verdict=CARE, reason="too warm")
    found.table.reason[0, 1] = "too cold"
    assert found.worst_reason() == "too warm"


def problem(loss=None, **more):
    model = Point(0.0, 0.0).requires_grad_(False)
    masks = components(model, "full")
    return Problem({"0": model}, loss or power_loss(2), ROW, masks, None, None, 0, **more)


def test_a_real_trial_of_a_quadratic_loss():
    setting = Setting(10.0, 10.0, BAOAB(0.2, 6.0), 20)
    (found,) = run_trials(problem(), [setting], chains=4, draws=200)
    assert found.table.verdict.shape == (1, 1)
    assert abs(found.table.llc.item() - 0.5) < 4 * found.table.mcse.item()
    assert found.anharmonicity == pytest.approx(1, abs=1e-9)
    assert found.seconds > 0
    assert found.good == 1


def test_a_step_that_the_sampler_refuses_is_a_bad_trial():
    (found,) = run_trials(problem(), [Setting(10.0, 10.0, SGLD(5.0), 10)], chains=2, draws=10)
    assert found.table.verdict.item() == REFUSE
    assert found.hot
    assert "must be below" in found.worst_reason()
    assert math.isnan(found.anharmonicity)
    assert found.good == 0


def test_other_refusals_are_raised():
    def wrong(model, batch):
        return model.w.sum()

    with pytest.raises(InputError, match="loss must have shape"):
        run_trials(problem(wrong), [Setting(1.0, 1.0, SGLD(0.01), 10)], chains=2, draws=10)


def test_shares_of_failed_chains_are_left_out():
    def cliff(model, batch):
        w = model.w.sum()
        return torch.where(w < 2.2, w**2 / 2, math.nan).expand(len(batch))

    model = Point(0.0).requires_grad_(False)
    few = Problem({"0": model}, cliff, ROW, components(model, "full"), None, None, 0)
    (found,) = run_trials(few, [Setting(1.0, 1.0, SGLD(0.5), 10)], chains=4, draws=60)
    assert 0 < found.table.llc.item()
    assert np.isfinite(found.anharmonicity)
    assert {GOOD, CARE, REFUSE} >= set(found.table.verdict.values.ravel())
