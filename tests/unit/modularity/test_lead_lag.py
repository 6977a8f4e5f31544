import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.lead_lag import change_time, lead_lag
from unit.modularity.simulated import STEPS

AXIS = np.log1p(STEPS)


def rise(center: float) -> np.ndarray:
    return 5 / (1 + np.exp(-(AXIS - center) / 0.3))


def curve(center: float, seed: int | None = None, count: int = 200) -> xr.DataArray:
    values = rise(center)
    if seed is None:
        return xr.DataArray(values, {"step": STEPS}, ("step",))
    noise = np.random.default_rng(seed).normal(0, 0.2, (count + 1, len(STEPS)))
    noise[0] = 0
    return xr.DataArray(values + noise, {"step": STEPS}, ("replicate", "step"))


@pytest.mark.parametrize("center", [2.0, 4.4, 6.1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_middle_of_a_rise_or_fall_is_found(center: float, sign: int) -> None:
    assert change_time(STEPS, sign * rise(center)) == pytest.approx(center, abs=0.15)


def test_lag_and_its_error() -> None:
    found = lead_lag(curve(3.0, 0), curve(5.0, 1))
    assert found.lag.item() == pytest.approx(2.0, abs=0.15)
    assert found.low < 2.0 < found.high
    assert 0.01 < found.sd < 0.3
    assert found.sign_support.item() == 1.0
    assert found.first_step.item() == pytest.approx(np.expm1(3.0), rel=0.2)


def test_p_counts_replicates_on_the_other_side() -> None:
    assert lead_lag(curve(3.0, 0), curve(5.0, 1)).p_value.item() == pytest.approx(2 / 201)
    near = lead_lag(curve(4.0, 0), curve(4.02, 1))
    assert near.p_value.item() == pytest.approx(2 * (1 + 200 * (1 - near.sign_support)) / 201)
    assert near.p_value > 0.05
    assert lead_lag(curve(4.0), curve(4.0)).p_value.isnull()


def test_noise_that_both_share_cancels() -> None:
    joint = lead_lag(curve(4.0, 0), curve(4.0, 0))
    apart = lead_lag(curve(4.0, 0), curve(4.0, 1))
    assert joint.sd.item() == 0.0
    assert apart.sd.item() > 0.02


def test_one_curve_may_have_no_replicates() -> None:
    found = lead_lag(curve(3.0), curve(5.0, 1))
    assert found.sd > 0
    assert np.isnan(lead_lag(curve(3.0), curve(5.0)).sd)


def test_bad_curves_are_refused() -> None:
    good = curve(3.0)
    with pytest.raises(InputError, match="first must have the dims step, or replicate and step"):
        lead_lag(good.expand_dims(component=2), good)
    with pytest.raises(InputError, match="second must have at least 3 steps, got 2"):
        lead_lag(good, good[:2])
    with pytest.raises(InputError, match="second must be finite"):
        lead_lag(good, good * np.nan)
    with pytest.raises(InputError, match="first must change"):
        lead_lag(good * 0, good)
    with pytest.raises(InputError, match="second must have as many replicates as first, got 4"):
        lead_lag(curve(3.0, 0, 5), curve(3.0, 0, 3))
