"""The law must reject what is wrong: each twin below has one well-known mistake."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from laws import gaussian
from laws.cases import KERNELS, named
from laws.checks import CLEAR, LIMIT, llc_z
from laws.crowd import deviations, plan_for
from laws.gaussian import PLACES, Setting, random_tilts, z_score
from laws.stationary import exact_llc
from somite import SGLD, SGNHT
from somite.sampling import stacking
from somite.sampling.engine import Engine
from somite.sampling.kernels.sgld import overdamped
from somite.sampling.minibatch import Batch

NOISY = Setting(tilts=random_tilts())


def loud(kernel):
    """The same kernel with noise of twice the variance."""

    class Loud(type(kernel)):
        def step(self, here, state, scene):
            louder = replace(scene, noise=lambda: math.sqrt(2) * scene.noise())
            return super().step(here, state, louder)

    return Loud(**vars(kernel))


class WholeDrift(SGLD):
    """Drift ε in place of ε/2: the temperature is halved."""

    def step(self, here, state, scene):
        moved = overdamped(self.step_size, 2 * scene.drift(here), here.weights, scene)
        return moved, state


class FrozenThermostat(SGNHT):
    """A thermostat that does not act."""

    def warm(self, friction: float, momentum: Tensor) -> float:
        return friction


class UnmaskedNoise(SGLD):
    """The gradient moves component A alone; localization and noise move everything."""

    def step(self, here, state, scene):
        masked = torch.zeros_like(here.gradient)
        masked[PLACES["A"]] = here.gradient[PLACES["A"]]
        return super().step(replace(here, gradient=masked), state, scene)


class FewExamplesBaseline(Engine):
    """L(w*) from a few examples that happen to have low losses."""

    def _next_batch(self, generator: torch.Generator) -> Batch:
        batch = super()._next_batch(generator)
        low = self.center_loss.sort().values[:5].mean()
        return replace(batch, center_loss=torch.full_like(batch.center_loss, float(low)))


class MovedBatchBaseline(Engine):
    """Records the loss on the very minibatch that has just moved the weights."""

    def _advance(self, walker, batch, step, *rest, **more):
        held = getattr(walker, "held", None) or batch
        if step % 2 == 0:
            walker.held = batch
        super()._advance(walker, held, step, *rest, **more)


def test_the_right_sampler_is_not_rejected():
    assert abs(llc_z(NOISY)) < LIMIT


def test_wrong_temperature_is_rejected():
    small = Setting(step_size=0.02, burn_in=60, draws=100)
    assert abs(llc_z(small)) < LIMIT
    assert llc_z(small, kernel=WholeDrift(small.step_size)) < -CLEAR


@named([kernel for kernel in KERNELS if not isinstance(kernel, SGNHT)])
def test_loud_noise_is_rejected(kernel):
    assert deviations(plan_for(kernel, noisy=False), loud(kernel))["llc"] > CLEAR


def test_a_frozen_thermostat_is_rejected_under_gradient_noise():
    frozen = FrozenThermostat(0.1, friction=4.0)
    assert deviations(plan_for(frozen, noisy=True), frozen)["llc"] > CLEAR


def test_a_thermostat_takes_up_loud_noise_unless_it_is_frozen():
    for twin, right in ((SGNHT(0.1, friction=4.0), True), (FrozenThermostat(0.1, 4.0), False)):
        z = deviations(plan_for(twin, noisy=False), loud(twin))["llc"]
        assert abs(z) < LIMIT if right else z > CLEAR


def test_counted_burn_in_is_rejected():
    short = Setting(step_size=0.02, chains=40, burn_in=80, draws=20)
    assert abs(llc_z(short)) < LIMIT
    assert llc_z(short.but(burn_in=0)) < -CLEAR


def test_noise_outside_the_component_is_rejected():
    short = NOISY.but(draws=80)
    there = gaussian.run(short, "AB", UnmaskedNoise(short.step_size))
    found = short.n_beta * there.loss[0].mean("draw").values
    assert z_score(found, exact_llc(short, "A")) > CLEAR
    assert abs(llc_z(short, "A")) < LIMIT


def test_a_baseline_from_few_examples_is_rejected(monkeypatch):
    # The losses at the center differ between examples once the data carry an offset.
    offset = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    spread = NOISY.but(tilts=torch.cat([NOISY.tilts, offset], 1))
    assert abs(with_offsets(spread)) < LIMIT
    monkeypatch.setattr(stacking, "Engine", FewExamplesBaseline)
    assert with_offsets(spread) > CLEAR


def test_a_batch_used_to_move_and_to_measure_is_rejected(monkeypatch):
    monkeypatch.setattr(stacking, "Engine", MovedBatchBaseline)
    assert llc_z(NOISY) < -CLEAR


def with_offsets(setting: Setting) -> float:
    """`llc_z` for data whose last column is a loss that no weight changes."""
    plain = gaussian.tilted_loss

    def loss(model: gaussian.Basin, rows: Tensor) -> Tensor:
        return plain(model, rows[:, :4]) + rows[:, 4]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaussian, "tilted_loss", loss)
        draws = gaussian.run(setting)
    exact = exact_llc(setting.but(tilts=setting.tilts[:, :4]))
    return z_score(setting.n_beta * draws.loss[0].mean("draw").values, exact)
