import numpy as np
import pytest
from scipy.stats import spearmanr

from somite.consequences import relation
from somite.core.errors import InputError


def normal(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def test_a_line_is_found_and_its_r_squared():
    x, noise = normal(4000), normal(4000, 1)
    found = relation(x, 3 * x + 2 + noise, repeats=200)
    assert found.slope == pytest.approx(3, abs=4 / 4000**0.5)
    assert found.intercept == pytest.approx(2, abs=4 / 4000**0.5)
    assert found.r_squared == pytest.approx(0.9, abs=0.01)
    assert found.r_squared_low < 0.9 < found.r_squared_high


def test_ranks_agree_with_scipy_ties_included():
    x, y = normal(40), np.round(normal(40, 1) + normal(40))
    assert relation(x, y, repeats=50).rank == pytest.approx(spearmanr(x, y).statistic)


def test_what_a_common_cause_makes_is_gone_where_it_is_held_fixed():
    cause = normal(3000)
    x, y = cause + 0.3 * normal(3000, 1), cause + 0.3 * normal(3000, 2)
    plain, fixed = relation(x, y, repeats=200), relation(x, y, cause, repeats=200)
    assert plain.rank > 0.85
    assert fixed.rank_low < 0 < fixed.rank_high
    assert abs(fixed.rank) < 0.1
    kept = relation(x, x + 0.1 * y, cause, repeats=200)
    assert kept.rank_low > 0.5


def test_intervals_of_independent_points_cover_zero_as_often_as_they_say():
    inside = 0
    for seed in range(150):
        one = relation(normal(30, seed), normal(30, 1000 + seed), seed=seed, repeats=150)
        inside += one.rank_low <= 0 <= one.rank_high
    assert abs(inside / 150 - 0.95) < 4 * (0.95 * 0.05 / 150) ** 0.5


def test_points_without_a_number_are_left_out():
    x = np.append(np.arange(9.0), np.nan)
    assert relation(x, np.append(x[:9], 5.0), repeats=20).points == 9


@pytest.mark.parametrize(
    ("x", "y", "given", "message"),
    [
        (np.arange(9.0), np.arange(8.0), None, "must be vectors of one length"),
        (np.arange(4.0), np.arange(4.0), None, "must have 5 finite points in common, got 4"),
        (np.arange(9.0), np.ones(9), None, "y must vary"),
        (
            np.arange(9.0),
            normal(9),
            np.arange(9.0),
            "given must not order points as x or y do, got '.ρ. 1.00'",
        ),
    ],
)
def test_bad_input_is_named(x, y, given, message):
    with pytest.raises(InputError, match=message):
        relation(x, y, given)
