"""The acceptance that a step would have as MALA, tried now and then, is what MALA measures."""

import numpy as np
import pytest

import somite as so
from somite.sampling.engine import CHECKS
from unit.sampling.bowl import Bowl, level, sample_bowl, tilts

WIDE = (1.0, 2.0, 4.0, 8.0) * 5


def acceptance(kernel: object, **changes: object) -> np.ndarray:
    """By chain, on the whole data, around a bowl of 20 weights."""
    settings = {"chains": 24, "burn_in": 40, "draws": 24, "probe_every": 3, "batch_size": None}
    settings |= {"model": Bowl(WIDE), "data": level(d=20)}
    return sample_bowl(kernel, **{**settings, **changes}).acceptance.values[0]


def test_it_is_close_to_what_mala_measures():
    # A step so small that both have nearly the same law.
    tried, measured = acceptance(so.SGLD(0.006)), acceptance(so.MALA(0.006), draws=60)
    assert 0.85 < measured.mean() < 0.97
    error = np.hypot(tried.std(), measured.std()) / np.sqrt(24)
    assert abs(tried.mean() - measured.mean()) < 4 * error
    assert tried.mean() - acceptance(so.SGLD(0.015)).mean() > 4 * error


@pytest.mark.parametrize("step_size", [1e-9, 1e-6])
def test_a_tiny_step_is_always_accepted(step_size):
    assert (acceptance(so.SGLD(step_size)) > 0.999).all()


def test_minibatches_are_accepted_on_their_own_loss():
    # The tilt is the same at both ends of a step: a minibatch is a bowl as steep as the whole.
    tried = acceptance(so.SGLD(0.015), data=tilts(scale=1.0, d=20), batch_size=4)
    assert 0.5 < tried.mean() < 0.95


def test_trying_leaves_the_chain_alone():
    often, seldom = (sample_bowl(probe_every=k, draws=30) for k in (1, 30))
    np.testing.assert_array_equal(often.loss, seldom.loss)
    assert not np.array_equal(often.acceptance, seldom.acceptance)


def test_only_the_first_probe_draws_are_tried():
    long, short = (sample_bowl(probe_every=2, draws=n) for n in (60, 2 * CHECKS))
    np.testing.assert_array_equal(long.acceptance, short.acceptance)
