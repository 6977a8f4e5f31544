import numpy as np
import pytest

from somite.sampling.convergence import effective_size, mean_error, rank_r_hat

NOISE = np.random.default_rng(0).standard_normal((4, 200))
DIAGNOSTICS = (rank_r_hat, effective_size, mean_error)


def test_independent_draws_count_in_full():
    assert rank_r_hat(NOISE) == pytest.approx(1, abs=0.02)
    assert effective_size(NOISE) == pytest.approx(800, rel=0.2)
    assert mean_error(NOISE) == pytest.approx(NOISE.std() / 800**0.5, rel=0.15)


def test_chains_at_different_places_do_not_agree():
    assert rank_r_hat(NOISE + 3 * np.arange(4)[:, None]) > 1.5
    assert rank_r_hat(NOISE * np.array([1, 1, 1, 9])[:, None]) > 1.05  # folded: other widths
    assert rank_r_hat(NOISE + np.linspace(0, 5, 200)) > 1.05  # split: a common trend


def test_the_mean_error_is_sd_over_root_effective_size():
    walk = np.cumsum(NOISE, 1)
    expected = walk.std(ddof=1) / effective_size(walk) ** 0.5
    assert mean_error(walk) == pytest.approx(expected, rel=1e-6)


def test_chains_that_stand_still():
    still = np.repeat(np.arange(4.0)[:, None], 20, 1)
    assert rank_r_hat(still) == float("inf")
    assert np.isnan(rank_r_hat(np.ones((4, 20))))
    assert np.isnan(effective_size(np.ones((4, 20))))
    assert mean_error(np.ones((4, 20))) == 0


@pytest.mark.parametrize("values", [NOISE[:, :7], np.empty((0, 50)), np.empty((4, 0))])
def test_too_little_gives_nan(values):
    assert all(np.isnan(diagnostic(values)) for diagnostic in DIAGNOSTICS)


def test_one_chain_has_an_error_but_no_r_hat():
    assert np.isnan(rank_r_hat(NOISE[:1]))
    assert effective_size(NOISE[:1]) > 100
    assert mean_error(NOISE[:1]) > 0
