import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.development.piecewise import hinges
from somite.development.stages import find_stages
from unit.modularity.simulated import STEPS, noisy_series

AXIS = np.log1p(STEPS.astype(float))


def planted(knots: list[float], seed: int = 0, count: int = 6) -> np.ndarray:
    """Curves (step, component) that bend at the knots by about 1.5 each."""
    generator = np.random.default_rng(seed)
    bends = generator.choice([-1.0, 1.0], (len(knots), count)) * generator.uniform(
        1, 2, (len(knots), count)
    )
    start = generator.normal([[5.0], [0.0]], 1.0, (2, count))
    return hinges(AXIS, np.array(knots)) @ np.concatenate([start, bends])


def found_and_true(found: xr.Dataset, knots: list[float]) -> tuple[float, float]:
    """Recall and precision of the boundaries, within 0.35 log-step."""
    distance = np.abs(np.log1p(found.position.values)[:, None] - np.array(knots)[None, :])
    if distance.size == 0:
        return 0.0, 1.0
    return float((distance.min(0) < 0.35).mean()), float((distance.min(1) < 0.35).mean())


@pytest.mark.parametrize("knots", [[4.6], [2.8, 6.0], [2.5, 4.6, 6.5]])
@pytest.mark.parametrize("sd", [0.1, 1.0, 3.0])
def test_planted_boundaries_are_found_and_no_others(knots: list[float], sd: float) -> None:
    series, mcse = noisy_series(planted(knots), 1, sd=sd)
    found = find_stages(series, mcse, seed=0, bootstraps=20, max_boundaries=5)
    assert found.attrs["n_boundaries"] == len(knots)
    assert found_and_true(found, knots) == (1.0, 1.0)
    assert (found.support >= (1.0 if sd <= 1 else 0.5)).all()
    assert (found.low <= found.position).all()
    assert (found.position <= found.high).all()


@pytest.mark.parametrize("seed", range(5))
def test_straight_lines_have_no_boundaries(seed: int) -> None:
    series, mcse = noisy_series(planted([], seed), seed + 10, shared=0.0)
    found = find_stages(series, mcse, seed=0, bootstraps=20, max_boundaries=4)
    assert found.attrs["n_boundaries"] == 0
    assert found.sizes["boundary"] == 0
    assert found.attrs["k_agreement"] > 0.5
    expected = series.mean(("chain", "draw"))
    assert float(np.abs(found.fit - expected).max()) < 0.5
    assert found.misfit.sel(k=0).item() == pytest.approx(1.0, abs=0.6)


def test_components_that_share_their_noise_count_as_fewer() -> None:
    effective = []
    for shared in (0.0, 0.5, 1.0):
        series, mcse = noisy_series(planted([4.6]), 1, shared=shared)
        found = find_stages(series, mcse, seed=0, bootstraps=60, max_boundaries=2)
        effective.append(found.attrs["effective_components"])
    assert effective == pytest.approx([6.0, 36 / (6 + 30 * 0.25), 1.0], rel=0.15)


def test_intervals_cover_and_their_width_is_the_scatter() -> None:
    knots = [2.8, 6.0]
    inside, errors, spreads = [], [], []
    for seed in range(16):
        series, mcse = noisy_series(planted(knots), seed, sd=3.0)
        found = find_stages(series, mcse, seed, bootstraps=40, max_boundaries=2)
        assert found.attrs["n_boundaries"] == 2
        true = np.expm1(knots)
        inside.append((found.low.values <= true) & (true <= found.high.values))
        errors.append(np.log1p(found.position.values) - knots)
        spreads.append(found.log_sd.values)
    assert np.mean(inside) >= 0.8  # 32 trials at 0.95: below 0.8 once in 3000
    scatter = np.sqrt(np.mean(np.square(errors), 0))
    reported = np.sqrt(np.mean(np.square(spreads), 0))
    assert np.all((scatter / reported > 0.6) & (scatter / reported < 1.6))


def test_noisier_series_have_wider_intervals() -> None:
    widths = []
    for sd in (0.5, 3.0):
        series, mcse = noisy_series(planted([4.6]), 1, sd=sd)
        found = find_stages(series, mcse, seed=0, bootstraps=30, max_boundaries=1)
        widths.append(found.log_sd.item())
    assert 3 < widths[1] / widths[0] < 12


def test_same_seed_same_numbers_and_failed_chains_are_left_out() -> None:
    series, mcse = noisy_series(planted([4.6]), 1)
    broken = series.copy()
    broken[:, 0, 2, 5:] = np.nan
    runs = [find_stages(broken, mcse, 3, 2, bootstraps=20) for _ in range(2)]
    assert runs[0].identical(runs[1])
    assert runs[0].attrs["n_boundaries"] == 1
    kept = find_stages(series.isel(chain=[0, 1, 3]), mcse, 3, 2, bootstraps=20)
    assert runs[0].position.item() == pytest.approx(kept.position.item(), rel=0.05)


def test_one_component_is_enough_for_stages() -> None:
    series, mcse = noisy_series(planted([4.6])[:, :1], 1, sd=0.2)
    found = find_stages(series, mcse, seed=0, bootstraps=20, max_boundaries=3)
    assert found_and_true(found, [4.6]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("n_steps", "options", "words"),
    [
        (1, {}, "must have at least 3 steps, got 1"),
        (2, {"max_boundaries": 0}, "must have at least 3 steps, got 2"),
        (8, {}, "max_boundaries must be at most 2 with 8 checkpoints, got 6"),
        (16, {"max_boundaries": -1}, "max_boundaries must be a whole number of at least 0"),
        (16, {"bootstraps": 5}, "bootstraps must be a whole number of at least 20"),
    ],
)
def test_unfit_settings_are_refused(n_steps, options, words) -> None:
    series, mcse = noisy_series(planted([4.6])[:n_steps], 1)
    with pytest.raises(InputError, match=words):
        find_stages(series, mcse, seed=0, **options)


def test_unfit_data_are_refused() -> None:
    series, mcse = noisy_series(planted([4.6]), 1)
    with pytest.raises(InputError, match="must have the dims"):
        find_stages(series.mean("draw"), mcse, seed=0)
    with pytest.raises(InputError, match="none for 0:0 at step 0"):
        find_stages(series.where(series.step > 0), mcse, seed=0)
    with pytest.raises(InputError, match="mcse must be finite and positive"):
        find_stages(series, mcse * np.nan, seed=0)
    with pytest.raises(InputError, match="must have the same component"):
        find_stages(series, mcse[:, ::-1], seed=0)
