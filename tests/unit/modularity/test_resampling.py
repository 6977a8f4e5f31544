import numpy as np
import pytest

from somite.modularity.resampling import CurveBootstrap, block_length
from unit.modularity.simulated import noisy_series


def spread(values: np.ndarray, count: int = 300) -> np.ndarray:
    drawn = CurveBootstrap(values).resample(count, np.random.default_rng(1))
    return np.stack(list(drawn))


@pytest.mark.parametrize("between", [0.0, 0.4])
def test_spread_is_the_standard_error_whether_or_not_chains_differ(between: float) -> None:
    series, mcse = noisy_series(np.zeros((16, 6)), 0, between=between, draws=100)
    found = np.sqrt(spread(series.to_numpy()).var(0).mean())
    assert found == pytest.approx(float(mcse.mean()), rel=0.15)


def test_textbook_two_stage_resampling_is_too_wide() -> None:
    series, mcse = noisy_series(np.zeros((16, 6)), 0, draws=100)
    bootstrap = CurveBootstrap(series.to_numpy())
    bootstrap.chain_scale = 1.0
    drawn = np.stack(list(bootstrap.resample(300, np.random.default_rng(1))))
    assert np.sqrt(drawn.var(0).mean()) > 1.2 * float(mcse.mean())


def test_noise_common_to_all_components_does_not_blur_a_difference() -> None:
    series, mcse = noisy_series(np.zeros((8, 2)), 0, shared=1.0)
    joint = spread(series.to_numpy())
    assert np.abs(joint[:, :, 0] - joint[:, :, 1]).max() < 1e-12
    assert joint[:, :, 0].std(0).mean() > 0.5 * float(mcse.mean())


def test_resampling_each_component_by_itself_would_blur_it() -> None:
    series, mcse = noisy_series(np.zeros((8, 2)), 0, shared=1.0)
    values = series.to_numpy()
    generator = np.random.default_rng(1)
    alone = [CurveBootstrap(values[:, [i]]).resample(300, generator) for i in range(2)]
    first, second = (np.stack(list(drawn))[:, :, 0] for drawn in alone)
    assert (first - second).std(0).mean() > float(mcse.mean())


def test_checkpoints_are_independent() -> None:
    series, _ = noisy_series(np.zeros((2, 1)), 0)
    drawn = spread(series.to_numpy(), 2000)[:, :, 0]
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.1


def test_blocks_carry_autocorrelation() -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(30, 1, 4, 400))
    for i in range(1, 400):
        values[..., i] = 0.8 * values[..., i - 1] + 0.6 * values[..., i]
    true = np.sqrt((1 + 0.8) / (1 - 0.8) / 1600)
    assert np.sqrt(spread(values).var(0).mean()) == pytest.approx(true, rel=0.2)


def test_resampled_curves_are_centred_on_the_mean() -> None:
    series, mcse = noisy_series(np.zeros((4, 3)), 0, between=0.3)
    values = series.to_numpy()
    gap = spread(values, 2000).mean(0) - values.mean((2, 3))
    assert np.abs(gap).max() < 0.1 * float(mcse.mean())


def test_failed_chains_enter_nothing() -> None:
    values = np.ones((5, 2, 4, 20))
    values[0, 0, 1:] = np.nan
    values[3, 1, 0] = np.nan
    assert np.array_equal(spread(values, 50), np.ones((50, 5, 2)))


def test_components_that_never_share_a_good_chain() -> None:
    values = np.full((1, 12, 12, 10), np.nan)
    for i in range(12):
        values[0, i, i] = i
    assert np.array_equal(spread(values, 3), np.tile(np.arange(12.0), (3, 1, 1)))


def test_one_chain_resamples_blocks_alone() -> None:
    series, mcse = noisy_series(np.zeros((16, 4)), 0, chains=1, draws=400)
    found = np.sqrt(spread(series.to_numpy()).var(0).mean())
    assert found == pytest.approx(float(mcse.mean()), rel=0.2)


def test_one_draw() -> None:
    assert spread(np.ones((2, 2, 1, 1)), 2).shape == (2, 2, 2)
    assert [block_length(n) for n in (1, 4, 5)] == [1, 2, 3]
