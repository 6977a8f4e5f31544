"""The law must reject what is wrong: each twin below has one well-known mistake."""

import math
import sys

import pytest
import torch
from torch import Tensor

from laws.gaussian import PLACES, Setting, llc_z, random_tilts
from somite import SGLD
from somite.sampling.engine import Batch, Engine

LIMIT = 4.0
NOISY = Setting(tilts=random_tilts())
SAMPLE = sys.modules["somite.sampling.sample"]


class LoudNoise(SGLD):
    """Noise of variance 2ε for a drift of ε/2."""

    def step(self, weights: Tensor, drift: Tensor, noise: Tensor) -> Tensor:
        return super().step(weights, drift, noise * math.sqrt(2))


class WholeDrift(SGLD):
    """Drift ε in place of ε/2: the temperature is halved."""

    def step(self, weights: Tensor, drift: Tensor, noise: Tensor) -> Tensor:
        return super().step(weights, 2 * drift, noise)


class UnmaskedNoise(SGLD):
    """Moves component A by its gradient, and everything by noise."""

    def step(self, weights: Tensor, drift: Tensor, noise: Tensor) -> Tensor:
        masked = torch.zeros_like(drift)
        masked[PLACES["A"]] = drift[PLACES["A"]]
        return super().step(weights, masked, noise)


class FewExamplesBaseline(Engine):
    """L(w*) from a few examples that happen to have low losses."""

    def _next_batch(self, generator: torch.Generator) -> Batch:
        batch = super()._next_batch(generator)
        low = self._center_loss.sort().values[:5].mean()
        return Batch(batch.examples, torch.full_like(batch.center_loss, float(low)))


class MovedBatchBaseline(Engine):
    """Records the loss on the very minibatch that has just moved the weights."""

    def _advance(self, walker: object, batch: Batch, step: int) -> None:
        held = getattr(walker, "held", None) or batch
        if step % 2 == 0:
            walker.held = batch
        super()._advance(walker, held, step)


def test_the_right_sampler_is_not_rejected():
    assert abs(llc_z(NOISY)) < LIMIT


@pytest.mark.parametrize("kernel", [LoudNoise, WholeDrift])
def test_wrong_temperature_is_rejected(kernel):
    assert abs(llc_z(NOISY, kernel=kernel(NOISY.step_size))) > 2 * LIMIT


def test_counted_burn_in_is_rejected():
    short = Setting(step_size=0.02, chains=40, burn_in=100, draws=20)
    assert abs(llc_z(short)) < LIMIT
    assert llc_z(short.but(burn_in=0)) < -LIMIT


def test_noise_outside_the_component_is_rejected():
    short = NOISY.but(draws=100)
    draws_of_all = llc_z(short, "AB", UnmaskedNoise(short.step_size))
    assert draws_of_all > LIMIT
    assert abs(llc_z(short, "A")) < LIMIT


def test_a_baseline_from_few_examples_is_rejected(monkeypatch):
    # The losses at the center differ between examples once the data carry an offset.
    offset = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    spread = NOISY.but(tilts=torch.cat([NOISY.tilts, offset], 1))
    assert abs(with_offsets(spread)) < LIMIT
    monkeypatch.setattr(SAMPLE, "Engine", FewExamplesBaseline)
    assert with_offsets(spread) > 2 * LIMIT


def test_a_batch_used_to_move_and_to_measure_is_rejected(monkeypatch):
    monkeypatch.setattr(SAMPLE, "Engine", MovedBatchBaseline)
    assert abs(llc_z(NOISY)) > 2 * LIMIT


def with_offsets(setting: Setting) -> float:
    """`llc_z` for data whose last column is a loss that no weight changes."""
    from laws import gaussian

    plain = gaussian.tilted_loss

    def loss(model: gaussian.Basin, rows: Tensor) -> Tensor:
        return plain(model, rows[:, :4]) + rows[:, 4]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaussian, "tilted_loss", loss)
        draws = gaussian.run(setting)
    exact = gaussian.exact_llc(setting.but(tilts=setting.tilts[:, :4]))
    return gaussian.z_score(setting.n_beta * draws.loss[0].mean("draw").values, exact)
