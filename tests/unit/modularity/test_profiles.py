import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import adjusted_rand_score

from somite.core.errors import InputError
from somite.modularity.profiles import group_by_behavior, group_by_refined, refined_profiles
from somite.modularity.specialization import specialization

TRUTH = np.repeat([0, 1, 2], 4)
NAMES = [f"{i // 6}:{i % 6}" for i in range(12)]


def refined_series(profile: np.ndarray, sd: float = 1.0, draws: int = 60) -> xr.DataArray:
    generator = np.random.default_rng(0)
    noise = generator.normal(0, sd, (*profile.shape, 4, draws))
    coords = {"component": NAMES[: len(profile)], "domain": list("abcd")[: profile.shape[1]]}
    dims = ("component", "domain", "chain", "draw")
    return xr.DataArray(profile[:, :, None, None] + noise, coords, dims)


def planted_profiles() -> np.ndarray:
    size = np.random.default_rng(1).uniform(2, 20, len(TRUTH))
    return (np.eye(3)[TRUTH] + 0.3) * size[:, None]


def test_refined_groups_follow_the_profile_and_not_the_size() -> None:
    found = group_by_refined(refined_series(planted_profiles()), seed=0, bootstraps=10)
    assert adjusted_rand_score(TRUTH, found.label) == 1.0


def test_behavior_groups_are_found_whatever_the_units() -> None:
    generator = np.random.default_rng(0)
    values = (np.eye(3)[TRUTH] + generator.normal(0, 0.05, (12, 3))) * np.array([1, 1e-3, 1e3])
    values = np.concatenate([values, np.full((12, 1), 0.1)], 1)  # a score that never differs
    table = xr.DataArray(values.T, {"component": NAMES}, ("score", "component"))
    found = group_by_behavior(table, seed=0, bootstraps=20)
    assert adjusted_rand_score(TRUTH, found.label) == 1.0


def test_three_components_can_be_grouped_by_behavior() -> None:
    values = np.array([[0.0], [0.1], [5.0]])
    table = xr.DataArray(values, {"component": NAMES[:3]}, ("component", "score"))
    assert group_by_behavior(table, 0, bootstraps=4).label.values.tolist() == [0, 0, 1]


def test_errors_of_the_profile_are_those_of_repeated_draws() -> None:
    profile = np.array([[4.0, 2.0, 2.0], [1.0, 3.0, 6.0]])
    found = refined_profiles(refined_series(profile, draws=400), seed=0)
    d, total = profile[0], profile[0].sum()
    gradient = np.eye(3) / total - d[:, None] / total**2  # delta method, one error for all
    expected = np.sqrt((gradient**2).sum(1) / 1600)
    assert found.profile_sd[0].values == pytest.approx(expected, rel=0.25)
    assert found.profile[0].values == pytest.approx([0.5, 0.25, 0.25], abs=0.02)


def test_scores_at_the_extremes() -> None:
    coords = {"component": ["even", "one"], "domain": list("abcd")}
    llc = xr.DataArray([[2.0, 2, 2, 2], [-1, 3, 0, 0]], coords, ("component", "domain"))
    found = specialization(llc.T)
    assert found.entropy_specialization.values == pytest.approx([0.0, 1.0], abs=1e-12)
    assert found.selectivity.values == pytest.approx([0.0, 1.0], abs=1e-12)
    assert found.participation_ratio.values == pytest.approx([4.0, 1.0])
    assert found.negative_mass.values == pytest.approx([0.0, 0.25])


def llc_table(values: list[list[float]]) -> xr.DataArray:
    array = np.array(values)
    coords = {"component": NAMES[: len(array)]}
    return xr.DataArray(array, coords, ("component", "domain"))


@pytest.mark.parametrize(
    ("llc", "words"),
    [
        (llc_table([[1.0], [2.0]]), "must have at least 2 domains"),
        (llc_table([[1.0, np.nan]]), "llc must be finite"),
        (llc_table([[1.0, 2.0], [-1.0, 0.0]]), "positive on some domain .*none for 0:1"),
        (llc_table([[1.0, 2.0]]).expand_dims("step"), "must have the dims component, domain"),
    ],
)
def test_unfit_llc_is_refused(llc, words) -> None:
    with pytest.raises(InputError, match=words):
        specialization(llc)


def test_refined_series_with_steps_is_refused() -> None:
    series = refined_series(planted_profiles()).expand_dims("step")
    with pytest.raises(InputError, match="must have the dims domain, component, chain, draw"):
        group_by_refined(series, seed=0)


def test_refined_cell_without_good_chain_is_named() -> None:
    series = refined_series(planted_profiles())
    series[2, 1, :, 3] = np.nan
    with pytest.raises(InputError, match="none for 0:2 on b"):
        refined_profiles(series, seed=0)


@pytest.mark.parametrize("group", [group_by_refined, refined_profiles])
def test_too_few_bootstraps_are_refused(group) -> None:
    with pytest.raises(InputError, match="bootstraps must be"):
        group(refined_series(planted_profiles()), seed=0, bootstraps=1)


def test_unfit_scores_are_refused() -> None:
    table = xr.DataArray(np.eye(4), {"component": NAMES[:4]}, ("component", "score"))
    with pytest.raises(InputError, match="must have the dims component and one other"):
        group_by_behavior(table.rename(component="head"), seed=0)
    with pytest.raises(InputError, match="scores must be finite, got '1 NaN"):
        group_by_behavior(table.where((table.component != "0:1") | (table < 1)), seed=0)
    with pytest.raises(InputError, match="bootstraps must be"):
        group_by_behavior(table, seed=0, bootstraps=0)
    with pytest.raises(InputError, match="must differ between components"):
        group_by_behavior(table * 0, seed=0, bootstraps=2)
