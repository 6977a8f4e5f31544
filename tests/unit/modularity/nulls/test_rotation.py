import numpy as np
import pytest

from somite.modularity.nulls.rotation import rotated


def test_spectrum_of_the_centred_part_and_row_sums_are_kept() -> None:
    generator = np.random.default_rng(0)
    weights = np.corrcoef(generator.normal(size=(8, 20)))
    center = np.eye(8) - 1 / 8
    found = rotated(weights, np.zeros(8, dtype=int), 5, generator)
    ours = np.linalg.eigvalsh(center @ weights @ center)
    theirs = np.linalg.eigvalsh(center @ found @ center)
    assert theirs == pytest.approx(np.tile(ours, (5, 1)))
    assert found.sum(2) == pytest.approx(np.tile(weights.sum(1), (5, 1)))


def test_a_multiple_of_the_identity_does_not_matter() -> None:
    weights = np.corrcoef(np.random.default_rng(0).normal(size=(6, 20)))
    one, two = (
        rotated(w, np.zeros(6, dtype=int), 3, np.random.default_rng(1))
        for w in (weights, weights - np.eye(6))
    )
    assert one - np.eye(6) == pytest.approx(two)


def test_two_components_have_nothing_to_rotate() -> None:
    weights = np.array([[1.0, 0.3], [0.3, 1.0]])
    assert (rotated(weights, np.zeros(2, dtype=int), 2, np.random.default_rng(0)) == weights).all()
