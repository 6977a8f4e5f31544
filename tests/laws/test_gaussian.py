"""On a Gaussian target SGLD has an exact stationary law, minibatch noise and step size included."""

import numpy as np
import pytest
import torch

import somite as so
from laws.checks import LIMIT, llc_z
from laws.gaussian import (
    FLAT,
    PLACES,
    Setting,
    random_tilts,
    run,
    walked,
    z_score,
)
from laws.stationary import exact_llc, stationary
from somite.core.errors import InputError

DIAGONAL = torch.tensor([0.1, 0.5, 1.0, 3.0], dtype=torch.float64)


def closed_form(setting: Setting, curvature: np.ndarray) -> np.ndarray:
    """(1 + εs²/4) / (a(1 − εa/4)), a = n_beta·h + γ, s² the variance of n_beta × the gradient."""
    a, step = setting.n_beta * curvature + setting.localization, setting.step_size
    noise = setting.n_beta**2 * setting.tilts.numpy().var(0) / setting.batch_size
    return (1 + step * noise / 4) / (a * (1 - step * a / 4))


@pytest.mark.parametrize("tilts", [FLAT, torch.diag(DIAGONAL)], ids=["full", "minibatch"])
def test_the_lyapunov_solution_is_the_closed_form_of_the_docstring(tilts):
    setting = Setting(curvature=torch.diag(DIAGONAL), tilts=tilts)
    np.testing.assert_allclose(
        stationary(setting).diagonal(), closed_form(setting, DIAGONAL.numpy())
    )
    if tilts is FLAT:
        variance = closed_form(setting, DIAGONAL.numpy())
        expected = 0.5 * setting.n_beta * float(DIAGONAL.numpy() @ variance)
        assert exact_llc(setting) == pytest.approx(expected)


@pytest.mark.parametrize("block", PLACES)
def test_llc_with_full_gradients(block):
    assert abs(llc_z(Setting(), block)) < LIMIT


@pytest.mark.parametrize("block", PLACES)
def test_llc_with_minibatch_noise(block):
    assert abs(llc_z(Setting(tilts=random_tilts()), block)) < LIMIT


def test_minibatch_noise_is_seen_by_the_law():
    noisy, quiet = Setting(tilts=random_tilts()), Setting()
    assert exact_llc(noisy) > 1.2 * exact_llc(quiet)


def test_what_is_recorded_is_that_of_the_draw_before_its_step():
    setting = Setting(chains=1, burn_in=3, draws=5)
    there = walked(setting, so.SGLD(setting.step_size))
    away, curvature, draws = there.away[0], setting.curvature.numpy(), there.draws.isel(chain=0)
    pull = away @ curvature
    drift = setting.n_beta * pull + setting.localization * away
    expected = {
        "loss": 0.5 * (away * pull).sum(1),
        "share": 0.5 * (away * pull).sum(1),
        "distance": (away**2).sum(1),
        "drift_square": (drift**2).sum(1),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(draws[name][0], values, rtol=1e-10)


def test_the_first_draw_without_burn_in_is_the_center():
    draws = run(Setting(chains=3, burn_in=0, draws=3, tilts=random_tilts()))
    assert (draws.loss[..., 0] == 0).all()
    assert (draws.distance[..., 0] == 0).all()
    assert (draws.distance[..., 1] > 0).all()


def test_without_loss_the_chain_samples_the_localizing_gaussian():
    setting = Setting(n_beta=0.0, localization=5.0, tilts=random_tilts(scale=30.0))
    draws = run(setting)
    step, gamma = setting.step_size, setting.localization
    exact = 4 / (gamma * (1 - step * gamma / 4))
    assert np.trace(stationary(setting)) == pytest.approx(exact)
    assert abs(z_score(draws.distance[0].mean("draw").values, exact)) < LIMIT
    with pytest.raises(InputError, match=r"n_beta of the draws must be positive.*control run"):
        so.llc(draws)


def test_burn_in_and_thinning_keep_draws_of_the_same_walk():
    whole = run(Setting(chains=2, burn_in=0, draws=40, tilts=random_tilts()))
    later = run(Setting(chains=2, burn_in=10, draws=30, tilts=random_tilts()))
    np.testing.assert_array_equal(later.loss, whole.loss[..., 10:])
