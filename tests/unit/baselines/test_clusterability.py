import numpy as np
import pytest

from somite.baselines import clusterability, spectral_blocks
from somite.core.errors import InputError
from unit.baselines.small import drawn


def scattered_blocks(noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three unequal blocks with rows and columns in any order; the matrix and both labels."""
    rows, columns = np.repeat([0, 1, 2], [3, 4, 5]), np.repeat([0, 1, 2], [6, 4, 5])
    generator = np.random.default_rng(0)
    rows, columns = generator.permutation(rows), generator.permutation(columns)
    same = rows[:, None] == columns
    return np.where(same, 1.0, noise) * np.sign(drawn(*same.shape)), rows, columns


def test_planted_blocks_are_found_and_aligned():
    weight, rows, columns = scattered_blocks(0.1)
    found_rows, found_columns = spectral_blocks(weight, 3, seed=0)
    names = dict(zip(found_rows.tolist(), rows.tolist(), strict=True))
    assert len(names) == 3
    assert [names[label] for label in found_rows.tolist()] == rows.tolist()
    assert [names[label] for label in found_columns.tolist()] == columns.tolist()


def test_clusterability_of_planted_blocks_has_the_closed_form():
    weight, rows, columns = scattered_blocks(0.1)
    inside = 3 * 6 + 4 * 4 + 5 * 5
    expected = inside / (inside + 0.01 * (12 * 15 - inside))
    assert clusterability(weight, rows, columns) == pytest.approx(expected)
    assert clusterability(weight, *spectral_blocks(weight, 3, 0)) == pytest.approx(expected)


def test_order_of_rows_and_columns_does_not_matter():
    weight, *_ = scattered_blocks(0.2)
    order = np.random.default_rng(1).permutation(12)
    before, after = (clusterability(w, *spectral_blocks(w, 3, 0)) for w in (weight, weight[order]))
    assert before == pytest.approx(after)


def test_labels_that_are_not_aligned_score_low():
    weight, rows, columns = scattered_blocks(0.0)
    assert clusterability(weight, rows, columns) == 1
    assert clusterability(weight, rows, (columns + 1) % 3) == 0


def test_even_weights_have_one_over_k():
    labels = np.repeat(np.arange(4), 3)
    assert clusterability(np.ones((12, 12)), labels, labels) == pytest.approx(1 / 4)


def test_clusters_found_from_random_weights_score_above_chance():
    """Which is why a clusterability of found clusters needs a null."""
    found = [clusterability(w, *spectral_blocks(w, 2, 0)) for w in drawn(20, 12, 12)]
    assert np.mean(found) > 0.5 + 4 * np.std(found, ddof=1) / 20**0.5


def test_what_has_no_clusters_is_named():
    weight, rows, columns = scattered_blocks(0.1)
    with pytest.raises(InputError, match=r"labels must be 12 of rows and 15 of columns"):
        clusterability(weight, columns, rows)
    with pytest.raises(InputError, match="weights must not all be zero"):
        clusterability(0 * weight, rows, columns)
    with pytest.raises(InputError, match="clusters must be at most 12, got 13"):
        spectral_blocks(weight, 13, 0)
    with pytest.raises(InputError, match="clusters must be a whole number of at least 2, got 1"):
        spectral_blocks(weight, 1, 0)
