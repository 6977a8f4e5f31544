import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.clustering import ALGORITHMS, canonical
from somite.modularity.partition import choose, partition
from somite.modularity.stability import Replicate, group_stability, recovery

CENTERS = np.repeat([0.0, 10.0, 30.0], 3)


def table(values: np.ndarray) -> xr.DataArray:
    labels = [f"0:{i}" for i in range(len(values))]
    return xr.DataArray(values, {"component": labels}, ("component", "feature"))


def replicates(values: np.ndarray, sd: float, count: int = 30) -> list[Replicate]:
    generator = np.random.default_rng(0)
    rows = np.arange(len(values))
    return [Replicate(rows, values + generator.normal(0, sd, values.shape)) for _ in range(count)]


@pytest.mark.parametrize("algorithm", list(ALGORITHMS))
def test_planted_groups_are_found_although_two_are_as_stable(algorithm: str) -> None:
    values = (CENTERS + np.tile([0.0, 0.5, 1.0], 3))[:, None]
    found = partition(table(values), replicates(values, 0.01), algorithm, seed=0)
    assert found.label.values.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert found.attrs["n_groups"] == 3
    assert found.attrs["note"] == ""
    stable = found.candidate_stability.sel(candidate=[2, 3])
    assert stable.values.tolist() == [1.0, 1.0]


def test_noise_has_no_stable_groups_and_the_note_says_so() -> None:
    values = np.random.default_rng(1).normal(size=(10, 3))
    found = partition(table(values), replicates(values, 2.0), "ward", seed=0)
    assert found.attrs["note"].startswith("No number of groups is stable")
    assert found.attrs["stability"] < 0.75


def test_group_of_each_component_carries_its_own_stability() -> None:
    values = np.array([[0.0], [0.1], [0.2], [10.0], [12.0], [14.5], [17.0]])
    found = partition(table(values), replicates(values, 2.0), "ward", seed=0, largest=3)
    assert found.group_stability.values.min() == found.attrs["stability"]
    assert found.group_stability.values.max() <= 1.0


def test_replicates_with_fewer_rows_than_groups_are_clustered() -> None:
    values = CENTERS[:, None] + np.arange(9.0)[:, None] / 10
    part = [Replicate(np.array([0, 3, 6]), values[[0, 3, 6]])]
    found = partition(table(values), part, "kmeans", seed=0, largest=6)
    assert found.candidate_stability.sel(candidate=3).item() == 1.0


def test_labels_do_not_depend_on_what_the_algorithm_called_them() -> None:
    assert canonical([5, 1, 1, 5, 0]).tolist() == [0, 1, 1, 0, 2]
    assert canonical(np.array([2, 0])).tolist() == [0, 1]


def test_recovery_of_a_group_that_was_split() -> None:
    found = recovery(np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 2]))
    assert found.tolist() == [0.75, 1.0]


def test_replicates_without_members_do_not_count() -> None:
    original = np.array([0, 0, 1, 1])
    pairs = [(np.array([0, 1]), np.array([0, 0])), (np.arange(4), np.array([0, 0, 0, 1]))]
    found = group_stability(original, pairs)
    assert found == pytest.approx([(1 + 2 / 3) / 2, 1 / 2])


def test_none_stable_takes_the_most_stable() -> None:
    index, note = choose(np.array([0.2, 0.5]), np.array([0.9, 0.1]))
    assert index == 1
    assert note


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (np.ones((1, 2)), {}, "must name at least 3 components, got 1"),
        (np.eye(2), {}, "must name at least 3 components, got 2"),
        (np.ones((4, 2)), {}, "must differ between components"),
        (np.array([[1.0], [np.nan], [2.0]]), {}, "features must be finite"),
        (np.eye(4), {"largest": 1}, "largest must be at least 2"),
        (np.eye(4), {"algorithm": "wrad"}, "Did you mean 'ward'"),
    ],
)
def test_unfit_features_are_refused(values, options, words) -> None:
    settings = {"algorithm": "ward", "seed": 0} | options
    with pytest.raises(InputError, match=words):
        partition(table(values), [], **settings)
