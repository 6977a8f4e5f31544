"""Kernels become one another where theory says so, and accept as theory says."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from contracts.bowl import CENTER, bowl, scene
from laws.gaussian import Setting, even_tilts, random_tilts, run
from somite.sampling.kernels import BAOAB, HMC, MALA, SGLD, SGNHT, AdamSGLD, RMSpropSGLD
from somite.sampling.kernels.kernel import Point
from somite.sampling.kernels.mala import propose

SHORT = Setting(tilts=random_tilts(), chains=2, burn_in=5, draws=30)


def losses(kernel, setting: Setting = SHORT) -> np.ndarray:
    return run(setting, kernel=kernel).loss.values


@pytest.mark.parametrize("kind", [RMSpropSGLD, AdamSGLD])
def test_a_large_offset_makes_all_steps_alike(kind):
    flat = kind(0.03 * 1e9, offset=1e9, **({"momentum": 1e-12} if kind is AdamSGLD else {}))
    np.testing.assert_allclose(losses(flat), losses(SGLD(0.03)), rtol=1e-6)


def test_adam_without_momentum_is_rmsprop():
    adam, rmsprop = AdamSGLD(0.03, momentum=1e-12, offset=0.3), RMSpropSGLD(0.03, offset=0.3)
    np.testing.assert_allclose(losses(adam), losses(rmsprop), rtol=1e-8)


def test_baoab_without_memory_is_the_scheme_of_leimkuhler_and_matthews():
    kernel, place = BAOAB(0.2, friction=math.inf), scene()
    state, weights = kernel.start(place), CENTER + 0.3
    noise = [scene(seed=0).noise]
    before = noise[0]()
    for _ in range(5):
        drift, fresh = place.drift(bowl(weights)), noise[0]()
        expected = weights - 0.2**2 / 2 * drift + 0.2 * (before + fresh) / 2
        weights, state = kernel.step(bowl(weights), state, place)
        torch.testing.assert_close(weights, expected, rtol=1e-12, atol=1e-12)
        before = fresh


def test_a_thermostat_that_stands_still_is_baoab():
    class Standing(SGNHT):
        def warm(self, friction, momentum):
            return friction

    setting = dataclasses.replace(SHORT, tilts=even_tilts(1.0))
    np.testing.assert_allclose(
        losses(Standing(0.1, 4.0), setting), losses(BAOAB(0.1, 4.0), setting), rtol=1e-9
    )


def test_mala_that_rejects_nothing_is_sgld():
    full = SHORT.but(tilts=SHORT.tilts[:1] * 0)
    draws = run(full, kernel=MALA(1e-6))
    assert (draws.acceptance == 1).all()
    np.testing.assert_allclose(draws.loss.values, losses(SGLD(1e-6), full), rtol=1e-9)


def test_one_leapfrog_is_a_proposal_of_mala():
    step, here, place = 0.3, bowl(CENTER + 0.3), scene(localization=2.0)
    noise = place.noise()
    there, log_ratio = propose(step**2, here, noise, place)
    kernel = HMC(step, leapfrogs=1)
    same, momentum = kernel.travel(here, noise, 1, place)
    torch.testing.assert_close(same.weights, there.weights, rtol=1e-12, atol=1e-12)
    kinetic = float(momentum.square().sum() - noise.square().sum()) / 2
    change = place.potential(same) - place.potential(here) + kinetic
    assert -float(change) == pytest.approx(float(log_ratio), rel=1e-10)


@pytest.mark.parametrize(("there", "acceptance"), [((1.5, 5.5), 0.6661436), ((0.3, -0.4), None)])
def test_acceptance_of_mala(there, acceptance):
    """U = ½‖w‖², from 0 to w at ε = 0.1: r = −ε‖w‖²/8; the number is that of another library."""
    step, there = 0.1, torch.tensor(there, dtype=torch.float64)
    place = scene(n_beta=1.0)

    def half_square(weights):
        return Point(weights, float(weights.square().sum()) / 2, weights)

    origin = torch.zeros(2, dtype=torch.float64)
    place = dataclasses.replace(place, center=origin, evaluate=half_square)
    found, log_ratio = propose(step, half_square(origin), there / math.sqrt(step), place)
    torch.testing.assert_close(found.weights, there)
    assert log_ratio == pytest.approx(-step * float(there.square().sum()) / 8)
    if acceptance is not None:
        assert math.exp(log_ratio) == pytest.approx(acceptance, rel=1e-6)


def test_the_acceptance_is_the_ratio_of_the_densities_it_stands_for():
    """The form that is computed, against the four terms that define it; steps of each weight."""
    steps = torch.tensor([0.1, 0.2, 0.4], dtype=torch.float64)
    here, place = bowl(CENTER + 0.3), scene(localization=2.0, weight_decay=1.0)
    there, log_ratio = propose(steps, here, place.noise(), place)

    def going(start, end):
        return ((end.weights - start.weights + steps / 2 * place.drift(start)) ** 2 / steps).sum()

    expected = place.potential(here) - place.potential(there)
    expected += float(going(here, there) - going(there, here)) / 2
    assert float(log_ratio) == pytest.approx(float(expected), rel=1e-10)


def test_nothing_is_accepted_where_the_loss_is_not_finite():
    place = dataclasses.replace(scene(), evaluate=lambda w: Point(w, math.nan, w * math.nan))
    here = bowl(CENTER)
    for kernel in (MALA(0.1), HMC(0.1, leapfrogs=5)):
        assert kernel.step(here, None, place)[0] is here
