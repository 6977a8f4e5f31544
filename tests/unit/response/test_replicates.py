"""Bootstrap replicates: their spread is the error, and they are drawn jointly."""

import numpy as np
import pytest

import somite as so
from laws.planted_tokens import recorded
from somite.core.errors import InputError

POINTS = np.random.default_rng(0).normal(size=(5, 3))


def test_the_spread_of_replicates_is_the_error_of_the_blocks():
    draws, losses = recorded(POINTS, noise=1.0)
    found = so.bootstrap_susceptibility(draws, losses, replicates=600)
    exact = so.susceptibility(draws, losses).error_blocks.values
    ratio = found.std("replicate", ddof=1).values / exact
    assert abs(ratio - 1).max() < 0.15
    assert abs(ratio.mean() - 1) < 0.03


def test_replicates_lie_around_the_estimate():
    draws, losses = recorded(POINTS, noise=1.0)
    found = so.bootstrap_susceptibility(draws, losses, replicates=600)
    own = so.susceptibility(draws, losses)
    off = (found.mean("replicate") - own.susceptibility) / (own.error_blocks / np.sqrt(600))
    assert abs(off).max() < 4.5


def test_all_components_draw_the_same_blocks():
    draws, losses = recorded(POINTS, noise=1.0)
    for values in (draws.probe_loss[0], losses):
        values[2] = values[1]
    found = so.bootstrap_susceptibility(draws, losses, replicates=4)
    np.testing.assert_array_equal(found[:, 2], found[:, 1])
    assert (found[:, 0] != found[:, 1]).all()


def test_checkpoints_and_seeds_draw_others():
    draws, losses = recorded(POINTS, noise=1.0)
    one, other, same, late = (
        so.bootstrap_susceptibility(some, losses, replicates=2, seed=seed).values
        for some, seed in (
            (draws, 0),
            (draws, 1),
            (draws, 0),
            (draws.assign_attrs(checkpoint=9), 0),
        )
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert (one != late).any()


def test_what_has_no_replicates():
    draws, losses = recorded(POINTS, noise=1.0)
    with pytest.raises(InputError, match="replicates must be a whole number of at least 2, got 1"):
        so.bootstrap_susceptibility(draws, losses, replicates=1)
    with pytest.raises(InputError, match=r"number of good chains must be .* 2, got 1"):
        so.bootstrap_susceptibility(draws.isel(chain=[0]), losses.isel(chain=[0]))
    with pytest.raises(InputError, match="on_failure must be a known name"):
        so.bootstrap_susceptibility(draws, losses, on_failure="hope")
