import numpy as np
import pytest
import xarray as xr
from sklearn.metrics import adjusted_rand_score

from somite.core.errors import InputError
from somite.modularity.coclustering import bipartite_modularity, cocluster


def table(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("component", "domain"))


def planted_table(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    rows, columns = np.repeat([0, 1, 2], 4), np.repeat([0, 1, 2], 2)
    size = generator.uniform(2, 20, 12)
    noise = generator.normal(0, 0.05, (12, 6))
    return ((rows[:, None] == columns) + 0.1 + noise) * size[:, None], rows, columns


def test_planted_blocks_are_found_on_both_sides() -> None:
    values, rows, columns = planted_table(0)
    found = cocluster(table(values.T).rename(component="domain", domain="component"), 0, repeats=19)
    assert adjusted_rand_score(rows, found.label) == 1.0
    assert adjusted_rand_score(columns, found.domain_label) == 1.0
    assert (found.domain_label[columns == 0] == found.label[0].item()).all()
    assert found.attrs["n_modules"] == 3
    assert found.p_value.item() == 1 / 20
    assert found.z > 3


def test_exact_blocks_without_anything_between_are_found() -> None:
    values = np.kron(np.eye(2), np.ones((3, 2)))
    found = cocluster(table(values), 0, repeats=5)
    assert found.label.values.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.modularity.item() == pytest.approx(0.5)


def test_p_is_not_small_without_blocks() -> None:
    small = 0
    for seed in range(20):
        values = np.exp(np.random.default_rng(seed).normal(size=(7, 4)))
        small += cocluster(table(values), seed, largest=3, repeats=4).p_value.item() <= 0.2
    assert small <= 4 + 3 * np.sqrt(20 * 0.2 * 0.8)


def test_negative_entries_are_clipped_and_their_share_told() -> None:
    values, rows, _ = planted_table(1)
    values[0, 5] = -1.0
    found = cocluster(table(values), 0, repeats=1)
    assert found.attrs["negative_share"] == pytest.approx(1 / np.abs(values).sum())
    assert adjusted_rand_score(rows, found.label) == 1.0


def test_bipartite_modularity_of_one_module_is_zero() -> None:
    values = np.random.default_rng(0).uniform(size=(4, 3))
    one = bipartite_modularity(values, np.zeros(4, int), np.zeros(3, int))
    assert one == pytest.approx(0, abs=1e-12)


def test_bad_tables_are_refused() -> None:
    good = np.ones((4, 3))
    empty, unknown = good.copy(), good.copy()
    empty[:, 1] = -1.0
    unknown[0, 0] = np.inf
    with pytest.raises(InputError, match="table must have the dims component, domain"):
        cocluster(table(good).rename(domain="task"), 0)
    with pytest.raises(InputError, match="table must be finite, got '1 NaN or infinite values'"):
        cocluster(table(unknown), 0)
    with pytest.raises(InputError, match="at least 3 components and 2 domains"):
        cocluster(table(good[:, :1]), 0)
    with pytest.raises(InputError, match="a positive entry in every row and column"):
        cocluster(table(empty), 0)
    with pytest.raises(InputError, match="largest must be a whole number"):
        cocluster(table(good), 0, largest=1)
    with pytest.raises(InputError, match="repeats must be a whole number"):
        cocluster(table(good), 0, repeats=0)
