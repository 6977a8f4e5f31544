from itertools import permutations, product

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from somite.core.errors import InputError
from somite.modularity.agreement import agreement, agreement_table

LAYERS = np.repeat([0, 1], 8)
PLANTED = np.tile([0, 0, 1, 1, 2, 2, 3, 3], 2)


def test_planted_agreement_has_a_small_p() -> None:
    found = agreement(PLANTED, PLANTED[::-1].max() - PLANTED, LAYERS, seed=0)
    assert (found.ari, found.ami) == pytest.approx((1.0, 1.0))
    assert found.p_value < 1e-3
    assert found.z > 5


def test_groups_that_only_tell_layers_apart_say_nothing() -> None:
    within = agreement(LAYERS, LAYERS, LAYERS, seed=0)
    assert (within.ari, within.p_value) == (1.0, 1.0)
    assert np.isnan(within.z)
    ignoring_layers = agreement(LAYERS, LAYERS, np.zeros(16), seed=0)
    assert ignoring_layers.p_value < 1e-3


def test_p_is_not_too_small_under_the_null() -> None:
    generator = np.random.default_rng(0)
    first = np.concatenate([generator.integers(0, 3, 8), generator.integers(1, 4, 8)])
    second = np.concatenate([generator.integers(0, 2, 8), generator.integers(1, 4, 8)])
    values = []
    for i in range(300):
        second = np.concatenate([generator.permutation(half) for half in np.split(second, 2)])
        values.append(agreement(first, second, LAYERS, i, permutations=200).p_value)
    p = np.array(values)
    for level in (0.05, 0.2, 0.5):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / 300)


def test_exact_p_is_uniform_under_the_null() -> None:
    first, second, layers = [0, 1, 1, 2, 0, 0, 1], [0, 0, 1, 2, 0, 1, 1], [0, 0, 0, 0, 1, 1, 1]
    halves = product(permutations(second[:4]), permutations(second[4:]))
    every = [agreement(first, [*a, *b], layers, 0).p_value for a, b in halves]
    p = np.array(every)
    for level in np.unique(p):  # ARI takes few values, and between them p cannot be uniform
        assert (p <= level).mean() == pytest.approx(level, abs=1e-12)


def test_few_orders_are_all_tried() -> None:
    found = agreement([0, 0, 1, 1], [0, 1, 1, 0], ["a", "a", "b", "b"], seed=0)
    every = [[0, 1, 1, 0], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 1]]
    scores = [adjusted_rand_score([0, 0, 1, 1], labels) for labels in every]
    assert found.p_value == np.mean(np.array(scores) >= found.ari - 1e-12)


def test_random_orders_agree_with_all_orders() -> None:
    first, second = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    exact = agreement(first, second, [0] * 6, seed=0)
    drawn = agreement(first, second, [0] * 6, seed=0, permutations=700)
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.06)
    assert drawn.z == pytest.approx(exact.z, abs=0.2)


def test_table_holds_every_pair_and_no_finding_on_the_diagonal() -> None:
    views = {"a": PLANTED, "b": LAYERS, "c": PLANTED % 2}
    table = agreement_table(views, LAYERS, seed=0, permutations=100)
    assert np.isnan(np.diag(table.p_value)).all()
    assert np.diag(table.ari).tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_array_equal(table.ari, table.ari.T)
    pair = table.sel(view="a", view_other="c")
    assert pair.ari.item() == pytest.approx(adjusted_rand_score(PLANTED, PLANTED % 2))


def test_unfit_labels_are_refused() -> None:
    with pytest.raises(InputError, match=r"one label for each component, got 'lengths \(2, 3, 2"):
        agreement([0, 1], [0, 1, 1], [0, 0], seed=0)
    with pytest.raises(InputError, match="must hold at least 2 components"):
        agreement([0], [0], [0], seed=0)
    with pytest.raises(InputError, match="permutations must be"):
        agreement([0, 1], [0, 1], [0, 0], seed=0, permutations=0)
    with pytest.raises(InputError, match="must hold at least one grouping"):
        agreement_table({}, [], seed=0)
