import itertools

import pytest

from somite.core.errors import InputError
from somite.theory import Coefficient, deep_linear_coefficient, reduced_rank_coefficient

TABLE = {
    ((1, 1, 1), 0): (0.5, 2),
    ((1, 1, 1, 1), 0): (0.5, 3),
    ((2, 1, 2), 0): (1, 2),
    ((2, 2, 2), 0): (1.5, 1),
    ((2, 2, 2), 1): (2, 2),
    ((3, 3, 3), 0): (3.5, 2),
    ((3, 3, 3), 1): (4, 1),
    ((4, 4, 4, 4), 0): (5.5, 3),
    ((4, 4, 4, 4), 1): (6.5, 1),
    ((4, 4, 4, 4), 2): (7.5, 3),
    ((4, 4, 4, 4), 4): (8, 1),
    ((5, 5, 5), 0): (9.5, 2),
    ((5, 5, 5), 1): (10.5, 1),
    ((5, 5, 5), 2): (11.5, 2),
    ((5, 5, 5), 3): (12, 1),
    ((5, 5, 5), 5): (12.5, 1),
    ((10, 5, 10), 0): (22, 2),
    ((10, 5, 10), 2): (29, 2),
}


@pytest.mark.parametrize(("widths", "rank"), TABLE)
def test_table(widths, rank):
    expected = Coefficient(*TABLE[widths, rank])
    assert deep_linear_coefficient(widths, rank) == expected
    if len(widths) == 3:
        assert reduced_rank_coefficient(*widths, rank) == expected


def test_two_layers_agree_with_reduced_rank_regression():
    cases = [
        (*widths, rank)
        for widths in itertools.product(range(1, 7), range(1, 8), range(1, 7))
        for rank in range(min(widths) + 1)
    ]
    assert len(cases) > 700
    for *widths, rank in cases:
        assert deep_linear_coefficient(widths, rank) == reduced_rank_coefficient(*widths, rank)


def test_one_layer_is_linear_regression():
    assert deep_linear_coefficient([4, 3], rank=2) == Coefficient(6.0, 1)


def test_the_order_of_hidden_layers_does_not_matter():
    found = {deep_linear_coefficient((5, *hidden, 4), 1) for hidden in itertools.permutations(
        (2, 3, 6)
    )}  # fmt: skip
    assert len(found) == 1


def test_an_inner_layer_of_full_width_adds_nothing_to_a_scalar_chain():
    """One unit in front of wide layers: K ≍ ‖a‖²·(…), at most half the smallest block."""
    assert deep_linear_coefficient((1, 50, 50, 1), 0).value == 0.5


@pytest.mark.parametrize(
    ("widths", "rank", "words"),
    [
        ([3], 0, r"widths must hold at least two widths, got \[3\]"),
        ([3, 0, 2], 0, "widths must be a whole number of at least 1, got 0"),
        ([3, 2.5], 0, "widths must be a whole number of at least 1, got 2.5"),
        ([3, 2, 4], 3, "rank must be at most the smallest width, 2, got 3"),
        ([3, 2, 4], -1, "rank must be a whole number of at least 0, got -1"),
    ],
)
def test_bad_input(widths, rank, words):
    with pytest.raises(InputError, match=words):
        deep_linear_coefficient(widths, rank)
    if len(widths) == 3:
        with pytest.raises(InputError, match=words):
            reduced_rank_coefficient(*widths, rank)
