import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.phases import PHASES, learning_phases


def loss(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, {"step": 10 * np.arange(len(values))}, ("step",))


def test_phases_follow_each_other_and_noise_does_not_matter() -> None:
    clean = 4 * np.exp(-np.arange(60) / 10)
    noisy = clean + np.random.default_rng(0).normal(0, 0.02, 60)
    found = learning_phases(loss(noisy))
    number = np.array([PHASES.index(name) for name in found.phase.values])
    assert (np.diff(number) >= 0).all()
    assert set(number) == {0, 1, 2}
    ends = found.first_step.values
    assert ends[1] == pytest.approx(100 * -np.log(0.4), abs=15)
    assert ends[2] == pytest.approx(100 * -np.log(0.05), abs=60)
    assert found.progress.values[[0, -1]].tolist() == [0.0, 1.0]


def test_a_phase_may_hold_no_checkpoint() -> None:
    found = learning_phases(loss(np.array([3.0, 1.0, 1.0])))
    assert np.isnan(found.last_step.sel(phase_name="feature refinement"))
    assert found.first_step.sel(phase_name="late fine-tuning").item() == 10.0


def test_bad_losses_are_refused() -> None:
    good = loss(np.array([3.0, 1.0]))
    with pytest.raises(InputError, match="loss must fall over training, got '1 to 3'"):
        learning_phases(loss(np.array([1.0, 3.0])))
    with pytest.raises(InputError, match="loss must have the dims step"):
        learning_phases(good.expand_dims(domain=2))
    with pytest.raises(InputError, match="loss must be finite, got '1 NaN or infinite values'"):
        learning_phases(loss(np.array([3.0, np.nan])))
