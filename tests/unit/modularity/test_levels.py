import numpy as np
import pytest

from somite.core.errors import InputError
from somite.modularity.levels import groups_above


def planted(owner):
    """Weights 1 within a module, 0 elsewhere; components of owner −1 are close to nobody."""
    owner = np.array(owner)
    return ((owner[:, None] == owner) & (owner >= 0)).astype(float)


def test_components_that_are_close_to_nobody_are_in_no_group():
    found = groups_above(planted([-1, 0, 0, -1, 1, 1, 1]), 0.5)
    assert found.tolist() == [-1, 0, 0, -1, 1, 1, 1]


def test_small_groups_are_none():
    found = groups_above(planted([0, 0, 1, 1, 1]), 0.5, smallest=3)
    assert found.tolist() == [-1, -1, 0, 0, 0]


def test_groups_are_joined_while_the_mean_weight_reaches_the_level():
    weights = np.array([[1.0, 0.9, 0.6], [0.9, 1.0, 0.4], [0.6, 0.4, 1.0]])
    assert groups_above(weights, 0.49).tolist() == [0, 0, 0]  # mean of 0.6 and 0.4
    assert groups_above(weights, 0.51).tolist() == [0, 0, -1]
    assert groups_above(weights, 0.95).tolist() == [-1, -1, -1]


def test_noise_far_below_the_level_makes_no_groups():
    noise = np.random.default_rng(0).normal(size=(30, 30)) * 0.1
    assert (groups_above((noise + noise.T) / 2, 0.5) == -1).all()


def test_fewer_components_than_a_group_needs():
    assert groups_above(np.ones((2, 2)), 0.5, smallest=3).tolist() == [-1, -1]


def test_groups_of_one_are_refused():
    with pytest.raises(InputError, match="smallest must be a whole number of at least 2"):
        groups_above(np.ones((3, 3)), 0.5, smallest=1)
