import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from somite.core.errors import InputError
from somite.modularity.curves import group_by_curves
from unit.modularity.simulated import STEPS, noisy_series, planted_groups


@pytest.mark.parametrize("algorithm", ["ward", "kmeans"])
@pytest.mark.parametrize("sd", [0.2, 2.0])
def test_planted_groups_are_found_at_any_precision(algorithm: str, sd: float) -> None:
    curves, truth = planted_groups(0)
    series, mcse = noisy_series(curves, 1, sd=sd)
    found = group_by_curves(series, mcse, algorithm, seed=0, bootstraps=10, largest=6)
    assert adjusted_rand_score(truth, found.label) == 1.0
    assert found.attrs["stability"] > 0.9


def test_level_alone_makes_groups() -> None:
    level = np.repeat([1.0, 5.0, 9.0], 3) + np.tile([0.0, 0.1, 0.2], 3)
    series, mcse = noisy_series(np.tile(level, (len(STEPS), 1)), 0)
    found = group_by_curves(series, mcse, "ward", seed=0, bootstraps=10)
    assert found.label.values.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_groups_below_the_noise_are_not_stable() -> None:
    series, mcse = noisy_series(np.zeros((len(STEPS), 10)), 0, shared=0.0)
    found = group_by_curves(series, mcse, "ward", seed=0, bootstraps=40)
    assert found.attrs["note"]


def test_same_seed_same_groups() -> None:
    curves, _ = planted_groups(0, spread=1.0)
    series, mcse = noisy_series(curves, 1)
    runs = [group_by_curves(series, mcse, "kmeans", 3, bootstraps=4) for _ in range(2)]
    assert runs[0].identical(runs[1])


def test_one_checkpoint_is_refused() -> None:
    series, mcse = noisy_series(np.zeros((1, 4)), 0)
    with pytest.raises(InputError, match="must have at least 2 steps, got 1"):
        group_by_curves(series, mcse, "ward", seed=0)


def test_single_component_is_refused() -> None:
    series, mcse = noisy_series(np.zeros((4, 1)), 0)
    with pytest.raises(InputError, match="must name at least 3 components"):
        group_by_curves(series, mcse, "ward", seed=0, bootstraps=2)


def test_too_few_bootstraps_are_refused() -> None:
    series, mcse = noisy_series(np.zeros((4, 4)), 0)
    with pytest.raises(InputError, match="bootstraps must be a whole number of at least 2"):
        group_by_curves(series, mcse, "ward", seed=0, bootstraps=1)
