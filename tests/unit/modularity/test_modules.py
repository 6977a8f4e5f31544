import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from somite.core.errors import InputError
from somite.modularity.consensus import consensus
from somite.modularity.modules import best_modules, find_modules
from somite.modularity.resampled import resampled_matrices
from unit.modularity.planted import named, pair_series, planted


def both(sd: float, count: int = 20):
    weights, truth = planted([3, 4, 5], 0.05, 0)
    found = resampled_matrices(pair_series(weights, sd, 1), 0, count)
    return found.matrix, found.replicates, truth


@pytest.mark.parametrize("algorithm", ["spectral", "average", "ward", "louvain", "hdbscan"])
def test_planted_modules_and_their_number_are_found(algorithm: str) -> None:
    matrix, replicates, truth = both(0.3)
    found = find_modules(matrix, replicates, 0, algorithm, largest=5)
    assert adjusted_rand_score(truth, found.label) == 1.0
    assert found.attrs["n_modules"] == 3
    assert found.attrs["note"] == ""
    assert found.attrs["stability"] >= 0.9
    assert 0 < found.attrs["negative_share"] < 0.5


def test_replicates_are_cut_into_as_many_modules() -> None:
    matrix, replicates, truth = both(0.3)
    again = find_modules(matrix, replicates, 0).replicate_label
    assert again.shape == (20, len(truth))
    assert all(adjusted_rand_score(truth, row) > 0.7 for row in again.values)
    assert (again.max("component") == 2).all()


def test_noise_has_no_stable_modules_and_the_note_says_so() -> None:
    matrix, replicates, _ = both(20.0)
    found = find_modules(matrix, replicates, 0)
    assert found.attrs["note"].startswith("No number of groups is stable")


def test_replicates_share_noise_between_pairs_of_a_component() -> None:
    _, replicates, _ = both(1.0, 400)
    first, second = np.triu_indices(12, 1)
    values = replicates.to_numpy()[:, first, second]
    common = sum((a[:, None] == b) * 1 for a in (first, second) for b in (first, second))
    correlation = np.corrcoef(values.T)
    assert correlation[common == 1].mean() == pytest.approx(0.5, abs=0.1)
    assert correlation[common == 0].mean() == pytest.approx(0.0, abs=0.1)
    assert values.var(0).mean() == pytest.approx(2 / 160, rel=0.3)


def test_consensus_of_the_replicates_is_the_planted_partition() -> None:
    _, replicates, truth = both(1.0)
    labels = replicates.isel(other=0, drop=True).copy(
        data=[best_modules(r, "average", 0, 5) for r in replicates.to_numpy()]
    )
    found = consensus(labels)
    assert adjusted_rand_score(truth, found.label) == 1.0
    assert found.attrs["n_modules"] == 3
    assert (found.module_stability > 0.75).all()
    assert (np.diag(found.together) == 1).all()


def test_consensus_of_disagreement_leaves_components_alone() -> None:
    _, replicates, _ = both(1.0)
    generator = np.random.default_rng(0)
    labels = replicates.isel(other=0, drop=True).copy(data=generator.integers(0, 6, (20, 12)))
    found = consensus(labels)
    assert found.attrs["n_modules"] > 6
    assert found.module_stability.min() < 0.6


def test_unfit_replicates_are_refused() -> None:
    matrix, replicates, _ = both(1.0, 2)
    with pytest.raises(InputError, match="must have the dims replicate, component, other"):
        find_modules(matrix, replicates.rename(replicate="bootstrap"), 0)
    with pytest.raises(InputError, match="replicates must be a whole number of at least 2, got 1"):
        find_modules(matrix, replicates[:1], 0)
    with pytest.raises(InputError, match="must have the same component as matrix"):
        find_modules(matrix, replicates[:, ::-1], 0)
    with pytest.raises(InputError, match="replicates must be finite"):
        find_modules(matrix, replicates.where(replicates.replicate == 9), 0)
    with pytest.raises(InputError, match="largest must be a whole number of at least 2"):
        find_modules(matrix, replicates, 0, largest=1)
    with pytest.raises(InputError, match=r"algorithm must be a known name.*'louvain'"):
        find_modules(matrix, replicates, 0, "louvian")


def test_unfit_series_and_labels_are_refused() -> None:
    series = pair_series(planted([3, 4], 0.1, 0)[0], 1.0, 0)
    with pytest.raises(InputError, match="must have the dims component, other, chain, draw"):
        resampled_matrices(series[..., 0], 0)
    with pytest.raises(InputError, match="count must be a whole number of at least 2"):
        resampled_matrices(series, 0, 1)
    broken = series.copy()
    broken[0, 1, :, 3] = broken[1, 0, :, 3] = np.nan
    with pytest.raises(InputError, match="a chain without NaN for every pair, got 'none for 0:0, "):
        resampled_matrices(broken, 0)
    one_chain = series.copy()
    one_chain[0, 1, 0, 3] = one_chain[1, 0, 0, 3] = np.nan
    assert np.isfinite(resampled_matrices(one_chain, 0, 3).replicates).all()
    labels = named(np.ones((3, 3))).rename(other="replicate")
    with pytest.raises(InputError, match="must have the dims replicate, component"):
        consensus(labels.rename(replicate="x"))
    with pytest.raises(InputError, match="replicates must be a whole number of at least 2"):
        consensus(labels[:, :1])
    with pytest.raises(InputError, match="components must be a whole number of at least 2"):
        consensus(labels[:1])
