"""What calibration gives."""

import dataclasses

import pytest
import torch

import somite as so
from somite.calibration import calibrate
from somite.sampling.kernels import SGLD
from somite.study.sections import SamplingConfig
from unit.calibration.small import Point, power_loss


@pytest.fixture(scope="module")
def found():
    return calibrate(
        Point(0.0, 0.0), power_loss(2), torch.zeros(8), components="full", batch_size=2, map=False
    )


def test_it_goes_into_sample_as_it_is(found):
    target = found.target(power_loss(2), torch.zeros(8), n=100)
    assert (target.n_beta, target.localization, target.n) == (
        found.n_beta, found.localization, 100,
    )  # fmt: skip
    model = Point(0.0, 0.0)
    draws = so.sample(model, target, found.kernel, components="full", **found.settings)
    assert draws.sizes["draw"] == found.draws


def test_a_recipe_takes_all_its_settings(found):
    config = SamplingConfig(**found.recipe)
    assert config.sampler() == found.kernel
    sgld = dataclasses.replace(found, kernel=SGLD(0.01), batch_size=None)
    assert "friction" not in sgld.recipe
    assert "batch_size" not in sgld.recipe
    assert SamplingConfig(**sgld.recipe).sampler() == SGLD(0.01)


def test_the_cost_is_that_of_all_steps(found):
    steps = found.chains * (found.burn_in + found.draws)
    assert found.cost(5, 7) == pytest.approx(35 * steps * found.seconds)


def test_the_trials_are_kept(found):
    assert bool(found.trials.chosen.any())
    assert set(found.trials.data_vars) == {
        *("n_beta", "localization", "step_size", "draws", "good", "anharmonicity"),
        *("relative_error", "trouble", "chosen"),
    }
    assert found.ratio.dims == ("localization",)
