"""The published settings, and numbers that make no sense."""

import pytest

import somite as so
from somite.core.errors import InputError


def test_the_published_numbers():
    own = so.Conductance()
    numbers = (own.neighbors, own.teleport, own.tolerance, own.smallest, own.main_body)
    assert numbers == (45, 0.001, 1e-7, 20, 0.99)
    assert own.new_coverage == 0.001


BAD = {
    "neighbors must be a whole number of at least 2, got 1": {"neighbors": 1},
    "smallest must be a whole number of at least 2, got 0": {"smallest": 0},
    "round_size must be a whole number of at least 1, got 0": {"round_size": 0},
    "teleport must lie between 0 and 1, got 1. Use 0.001": {"teleport": 1},
    "tolerance must lie between 0 and 1, got 0": {"tolerance": 0},
    "main_body must lie between 0 and 1, got nan": {"main_body": float("nan")},
    "new_coverage must lie between 0 and 1, got 2": {"new_coverage": 2},
    "window must be above 1, got 1. Use 1.5": {"window": 1},
}


@pytest.mark.parametrize("words", BAD)
def test_bad_numbers(words):
    with pytest.raises(InputError, match=words):
        so.Conductance(**BAD[words])
