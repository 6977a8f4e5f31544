import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity.tracking import track_modules


def labels(*rows: str) -> xr.DataArray:
    """One row of letters for each checkpoint; a dot for a component in no module."""
    values = np.array([[-1 if letter == "." else ord(letter) for letter in row] for row in rows])
    return xr.DataArray(values, {"step": 10 * np.arange(len(rows))}, ("step", "component"))


def identities(*rows: str, window: int = 2) -> list[str]:
    found = track_modules(labels(*rows), window).module.values
    return ["".join("." if i < 0 else str(i) for i in row) for row in found]


def test_modules_keep_their_identity_whatever_they_are_called() -> None:
    assert identities("aaabbb", "xxxccc", "bbbaaa") == ["000111"] * 3


def test_components_may_move() -> None:
    assert identities("aaaabbbb", "aaabbbbb", "aabbbbbb") == ["00001111", "00011111", "00111111"]


def test_the_best_match_overall_is_taken() -> None:
    # "x" is most like "a", but so is "y", and "b" is only like "x".
    assert identities("aaaabb....", "yyyxxx....") == ["000011....", "000111...."]


def test_a_module_unlike_all_before_is_new() -> None:
    assert identities("aaaa....", "a...aaaa")[1] == "1...1111"
    assert identities("aaaaaaaa", "aa......")[1] == "22......".replace("2", "1")


def test_a_module_that_is_away_briefly_is_the_same() -> None:
    assert identities("aabb", "aa..", "aabb")[2] == "0011"
    assert identities("aabb", "aa..", "aa..", "aabb")[3] == "0022"
    assert identities("aabb", "aa..", "aabb", window=1)[2] == "0022"


def test_components_alone_are_in_no_module() -> None:
    assert identities("aabc", "aabb") == ["00..", "0011"]


def test_lives_of_the_modules() -> None:
    found = track_modules(labels("aa..", "aabb", "..bb", "..bb"))
    assert found.first_step.values.tolist() == [0, 10]
    assert found.last_step.values.tolist() == [10, 30]
    assert found.checkpoints.values.tolist() == [2, 3]


def test_training_without_modules_is_tracked() -> None:
    found = track_modules(labels("....", "...."))
    assert (found.module == -1).all()
    assert found.sizes["identity"] == 0


def test_bad_labels_are_refused() -> None:
    good = labels("aabb", "aabb")
    with pytest.raises(InputError, match="labels must have the dims step, component"):
        track_modules(good.rename(step="time"))
    with pytest.raises(InputError, match="labels must have steps of zero or more that increase"):
        track_modules(good[::-1])
    with pytest.raises(InputError, match="labels must be whole numbers, got 'float64'"):
        track_modules(good * 1.0)
    with pytest.raises(InputError, match="window must be a whole number of at least 1"):
        track_modules(good, 0)
