"""Categories by hand, of byte tokens and of word pieces; repeated pairs by brute force."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr

import somite as so
from somite.core.errors import InputError
from somite.response.embryology.categories import KINDS, repeated


def kinds(pieces: list[str]) -> list[set[str]]:
    """Categories of every token of one row but the first."""
    known = sorted(set(pieces))
    rows = np.array([[known.index(piece) for piece in pieces]])
    items = xr.DataArray(np.zeros((1, len(pieces) - 1)), dims=("example", "token"))
    found = so.token_categories(items, rows, known.__getitem__)
    assert found.category.values.tolist() == list(KINDS)
    return [set(found.category.values[found.values[:, 0, i]]) for i in range(len(pieces) - 1)]


def test_word_pieces():
    pieces = ["The", " cat", "s", " (", "2", "7", ")", ".", "\n\n", "Is", "n't", "   ", "é"]
    assert kinds(pieces) == [
        {"word_start"},
        {"word_part", "word_end"},
        {"delimiter"},
        {"digit"},
        {"digit"},
        {"delimiter"},
        {"punctuation"},
        {"space", "line_break"},
        {"word_start"},
        {"word_part", "word_end"},
        {"space"},
        {"word_start"},  # whether it ends a word is not known
    ]


def test_bytes():
    assert kinds(list("a bc, 1")) == [
        {"space"},
        {"word_start"},
        {"word_part", "word_end"},
        {"punctuation"},
        {"space"},
        {"digit"},
    ]


def test_a_token_that_continues_is_no_start():
    assert kinds(["foo", "bar", " baz"]) == [{"word_part", "word_end"}, {"word_start"}]
    assert kinds(["foo ", "bar"]) == [{"word_start"}]
    assert kinds(["3", "d"]) == [{"word_start"}]


def test_mixed_and_unreadable_tokens_are_other():
    assert kinds(["a", "2b)", "\ufffd", "x1"])[0] == {"other"}
    assert kinds(["a", "2b)", "\ufffd", "x1"])[1] == {"punctuation"}
    assert kinds(["a", ""]) == [{"other"}]


def test_the_second_time_a_pair_comes_is_induction():
    assert [("induction" in kind) for kind in kinds(list("abcabxab"))] == [
        *(False, False, False, True, False, False, True)
    ]


def test_repeated_pairs_by_brute_force():
    rows = np.random.default_rng(0).integers(0, 4, (6, 30))
    found = repeated(rows)
    for row, flags in zip(rows.tolist(), found, strict=True):
        pairs = list(pairwise(row))
        assert flags.tolist() == [pair in pairs[:i] for i, pair in enumerate(pairs)]


def test_tables_over_components_will_do():
    table = xr.Dataset({"susceptibility": (("component", "example", "token"), np.zeros((2, 1, 2)))})
    assert so.token_categories(table, [[0, 1, 0]], "a ".__getitem__).shape == (10, 1, 2)


def test_rows_that_do_not_fit():
    items = xr.DataArray(np.zeros((1, 3)), dims=("example", "token"))
    with pytest.raises(InputError, match=r"tokens must be whole numbers of shape \(1, 4\)"):
        so.token_categories(items, [[0, 1, 0]], "ab".__getitem__)
