"""Kinds that lie apart along a direction are seen, layers alone are not, and chance is chance."""

from math import comb

import numpy as np
import pytest
import xarray as xr

from somite.core.errors import InputError
from somite.modularity import separation

LAYERS = [str(i // 8) for i in range(16)]
KINDS = ["previous_token" if i == 3 else "induction" if i in (10, 13) else "" for i in range(16)]


def loading(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(np.atleast_2d(values), dims=("mode", "component"))


def noise(seed: int, modes: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(modes, 16))


def test_kinds_may_go_ways_of_their_own() -> None:
    values = 0.3 * noise(0)
    for i, kind in enumerate(KINDS):
        values[1, i] += {"previous_token": 2.0, "induction": -2.0}.get(kind, 0.0)
    found = separation(loading(values), KINDS, LAYERS, seed=0)
    assert found.p_any < 0.02
    assert found.between.argmax("mode") == 1
    assert found.p_value[1] < 0.01 < found.p_value[0]
    assert found.p_any >= found.p_value.min()


def test_the_share_is_that_of_the_squares_between_kinds() -> None:
    values = noise(1)
    found = separation(loading(values), KINDS, LAYERS, seed=0, permutations=10)
    layers = np.array(LAYERS)
    own = values.copy()
    for layer in "01":
        own[:, layers == layer] -= own[:, layers == layer].mean(1, keepdims=True)
    kinds = np.array(KINDS)
    squares = sum((kinds == kind).sum() * own[:, kinds == kind].mean(1) ** 2 for kind in set(KINDS))
    np.testing.assert_allclose(found.between, squares / (own**2).sum(1))


def test_the_p_value_of_one_head_is_its_rank() -> None:
    values = np.arange(6.0) ** 2
    found = separation(loading(values), ["induction" if i == 5 else "" for i in range(6)], None, 0)
    assert found.p_any.item() == pytest.approx(1 / comb(6, 1))


def test_a_difference_of_layers_is_none_of_kinds() -> None:
    values = np.where(np.array(LAYERS) == "1", 5.0, 0.0) + 0.1 * noise(2, 1)[0]
    kinds = ["induction" if i in (10, 13) else "" for i in range(16)]
    assert separation(loading(values), kinds, LAYERS, seed=0).p_any > 0.05
    assert separation(loading(values), kinds, None, seed=0).p_any < 0.2  # as a wrong test has it


def test_by_chance_no_more_than_five_in_a_hundred() -> None:
    count = 200
    found = [
        separation(loading(noise(i)), KINDS, LAYERS, seed=i, permutations=199).p_any.item()
        for i in range(count)
    ]
    share = np.mean(np.array(found) <= 0.05)
    assert share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / count)
    assert np.mean(np.array(found) <= 0.5) > 0.35  # nor far too careful


def test_a_direction_without_any_spread_separates_nothing() -> None:
    values = np.vstack([np.zeros(16), noise(3, 1)])
    assert separation(loading(values), KINDS, LAYERS, seed=0).between[0] == 0


@pytest.mark.parametrize(
    ("kinds", "strata", "words"),
    [
        ([""] * 16, LAYERS, "kinds must differ within a stratum"),
        (["a" if layer == "0" else "b" for layer in LAYERS], LAYERS, "kinds must differ within"),
        (KINDS[:-1], LAYERS, r"loading must have the dims mode, component, and the 15 components"),
        (KINDS, LAYERS[:-1], "strata must name a stratum for each component"),
    ],
)
def test_what_cannot_be_tested(kinds, strata, words) -> None:
    with pytest.raises(InputError, match=words):
        separation(loading(noise(0)), kinds, strata, seed=0)
