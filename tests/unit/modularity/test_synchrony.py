import numpy as np
import pytest

from somite.core.errors import InputError
from somite.modularity.synchrony import synchrony
from unit.modularity.simulated import STEPS, noisy_series


def rises(centers: list[float], height: float = 10.0) -> np.ndarray:
    axis = np.log1p(STEPS)[:, None]
    return height / (1 + np.exp(-(axis - np.array(centers)) / 0.3))


def test_curves_that_rise_together_are_told_from_those_that_do_not() -> None:
    series, _ = noisy_series(rises([3.0, 3.0, 6.0, 6.0]), 0, sd=0.5)
    found = synchrony(series)
    together = np.array([[0, 1], [2, 3]]).T
    assert (found.correlation.values[tuple(together)] > 0.8).all()
    assert (found.q_value.values[tuple(together)] < 0.06).all()
    assert (found.p_value.values[:2, 2:] > 0.1).all()
    assert found.p_value.values == pytest.approx(found.p_value.values.T, nan_ok=True)
    assert np.isnan(np.diag(found.correlation)).all()


def test_shared_noise_is_not_synchrony() -> None:
    flat = np.zeros((len(STEPS), 6))
    correlations, naive = [], []
    for seed in range(8):
        series, _ = noisy_series(flat, seed, shared=0.9)
        upper = np.triu_indices(6, 1)
        correlations += synchrony(series).correlation.values[upper].tolist()
        slopes = np.diff(series.mean(("chain", "draw")).to_numpy(), axis=0)
        naive += np.corrcoef(slopes.T)[upper].tolist()
    assert np.mean(naive) > 0.8
    assert abs(np.mean(correlations)) < 0.2


def test_opposite_changes_have_a_negative_correlation() -> None:
    curves = np.concatenate([rises([4.0]), -rises([4.0])], 1)
    found = synchrony(noisy_series(curves, 0, sd=0.2)[0])
    assert found.correlation[0, 1] < -0.9
    assert found.p_value[0, 1] == 1.0


def test_a_constant_curve_has_no_synchrony() -> None:
    curves = np.concatenate([rises([4.0, 4.0]), np.zeros((len(STEPS), 1))], 1)
    series, _ = noisy_series(curves, 0, sd=0.0)
    found = synchrony(series)
    assert np.isnan(found.correlation[2]).all()
    assert np.isnan(found.q_value[2]).all()
    assert found.correlation[0, 1].item() == pytest.approx(1.0)


def test_chains_that_failed_anywhere_are_left_out() -> None:
    series, _ = noisy_series(rises([3.0, 3.0]), 0)
    broken = series.copy()
    broken[2, 1, 0, 3] = np.nan
    assert synchrony(broken).identical(synchrony(series[:, :, 1:]))


def test_too_little_is_refused() -> None:
    series, _ = noisy_series(rises([3.0, 3.0]), 0)
    with pytest.raises(InputError, match="must have at least 5 steps and 2 components"):
        synchrony(series[:4])
    with pytest.raises(InputError, match="must have at least 5 steps and 2 components"):
        synchrony(series[:, :1])
    with pytest.raises(InputError, match="two chains that are good at all steps, got 1"):
        synchrony(series[:, :, :1])
