"""The whole calibration against exactly known estimates, from good and bad guesses."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

import somite as so
from somite.calibration import calibrate, surroundings
from somite.calibration.calibrate import LEAST_DRAWS, MOST_DRAWS, draws_for
from somite.components.mask import Mask, whole
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import DeepLinear, deep_linear_loss, deep_linear_population_loss
from somite.models.deep_linear_centers import random_center
from somite.sampling.kernels import BAOAB, SGLD
from somite.theory import gaussian_llc, hessian_spectrum
from unit.calibration.small import Point, power_loss, trial

ROW = torch.zeros(1)
WIDTHS = (3, 4, 3)


def network() -> DeepLinear:
    return DeepLinear.from_weights(random_center(WIDTHS, stream("calibrate", 1)))


def exact(model, found, **more):
    spectrum = hessian_spectrum(model.matrices(), model.loss_scale, **more)
    return gaussian_llc(spectrum, found.n_beta, found.localization)


def same_settings(one, other):
    return one.recipe == other.recipe


@pytest.fixture(scope="module")
def calibrated():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surroundings, "MOST_DRAWS", 50)  # a rougher map
        return calibrate(
            network(), deep_linear_population_loss, ROW, components="full", batch_size=None
        )


def test_the_settings_give_the_exact_estimate(calibrated):
    model = network()
    target = calibrated.target(deep_linear_population_loss, ROW)
    draws = so.sample(model, target, calibrated.kernel, components="full", **calibrated.settings)
    table, truth = so.llc(draws), exact(model, calibrated)
    assert abs(table.llc.item() - truth) < 0.05 * truth + 4 * table.mcse.item()
    assert table.mcse.item() < 0.1 * truth
    assert calibrated.good == 1


@pytest.mark.parametrize("guess", [1e-2, 1e6])
def test_a_bad_guess_gives_the_same_settings(calibrated, guess):
    found = calibrate(
        network(), deep_linear_population_loss, ROW, components="full", batch_size=None,
        guess=guess, map=False,
    )  # fmt: skip
    assert same_settings(found, calibrated)


def test_the_map_holds_the_choice_and_its_neighbours(calibrated):
    found = calibrated.map
    assert found.sizes["trial"] == 11
    assert found.chosen.values.tolist() == [True] + [False] * 10
    assert float(found.n_beta[0]) == calibrated.n_beta
    assert len(set(found.n_beta.values)) == len(set(found.localization.values)) == 3
    at_scale = (found.n_beta == calibrated.n_beta) & (found.localization == calibrated.localization)
    assert len(set(found.step_size.values[at_scale.values])) == 3
    model = network()
    spectrum = hessian_spectrum(model.matrices(), model.loss_scale)
    for i in range(9):
        here = found.isel(trial=i)
        truth = gaussian_llc(spectrum, float(here.n_beta), float(here.localization))
        assert abs(here.llc[0].item() - truth) < 0.15 * truth + 4 * here.mcse[0].item()


def test_the_evidence_is_there(calibrated):
    assert calibrated.trials.chosen.values.sum() == 1
    assert float(calibrated.ratio.sel(localization=calibrated.ratio.localization.max())) == (
        pytest.approx(1, abs=0.05)
    )
    text = " ".join(calibrated.words)
    for word in ("localization", "n_beta", "step_size", "burn_in", "draws", "Anharmonicity"):
        assert word in text
    assert calibrated.cost(16, 3) == pytest.approx(3 * calibrated.cost(16, 1))
    assert calibrated.seconds > 0


def test_minibatches_of_data():
    model = network()
    inputs = model.inputs(256, stream("inputs"))
    found = calibrate(
        model, deep_linear_loss, inputs, components="full", batch_size=32, error=0.1, map=False
    )
    target = found.target(deep_linear_loss, inputs)
    draws = so.sample(model, target, found.kernel, components="full", **found.settings)
    table, covariance = so.llc(draws), (inputs.T @ inputs / len(inputs)).numpy()
    spectrum = hessian_spectrum(model.matrices(), 1 / WIDTHS[-1], covariance)
    truth = gaussian_llc(spectrum, found.n_beta, found.localization)
    assert abs(table.llc.item() - truth) < 0.08 * truth + 4 * table.mcse.item()
    assert table.verdict.item() == "good"


def test_sgld(calibrated):
    model = network()
    found = calibrate(
        model, deep_linear_population_loss, ROW, components="full", batch_size=None,
        kernel="SGLD", error=0.2, map=False,
    )  # fmt: skip
    assert isinstance(found.kernel, SGLD)
    assert "friction" not in found.recipe
    here = found.map.isel(trial=0)
    truth = exact(model, found)
    assert abs(here.llc[0].item() - truth) < 0.1 * truth + 4 * here.mcse[0].item()


def test_components_and_several_checkpoints():
    first, last = network(), network()
    with torch.no_grad():
        for weight in first.weights:
            weight.mul_(0.9)
        first.truth.copy_(first.product())
    before = copy.deepcopy(last.state_dict())
    found = calibrate(
        {"1": first, "2": last}, deep_linear_population_loss, ROW, components="layers",
        batch_size=None, error=0.2, n=500, map=False,
    )  # fmt: skip
    assert set(found.map.component.values) == {"0", "1"}
    assert found.n_beta <= 500 / math.log(500)
    after = last.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(weight.requires_grad for weight in last.parameters())
    assert last.training


def test_one_weight():
    found = calibrate(Point(1.0), lambda m, b: ((m.w - 1) ** 2).expand(len(b)), ROW,
                      components="full", batch_size=None, map=False)  # fmt: skip
    assert isinstance(found.kernel, BAOAB)
    truth = gaussian_llc([2.0], found.n_beta, found.localization)
    here = found.map.isel(trial=0)
    assert abs(here.llc[0].item() - truth) < 0.05 * truth + 4 * here.mcse[0].item()


def test_a_saddle_is_said_and_ends():
    def saddle(model, batch):
        falls = model.w[0] ** 2 - 3 * model.w[1] ** 2
        return (falls + model.w.square().sum() ** 2).expand(len(batch))

    found = calibrate(Point(0.0, 0.0), saddle, ROW, components="full", batch_size=None,
                      guess=1e4, map=False)  # fmt: skip
    assert "no checkpoint has a basin" in found.words[0]
    assert "No basin at checkpoint 0" in found.words[-1]
    assert found.localization >= 1e4
    assert found.ratio.size == 0


def test_a_loss_without_curvature_ends():
    found = calibrate(
        Point(1.0, 1.0), lambda m, b: m.w.sum().expand(len(b)), ROW, components="full",
        batch_size=None, map=False,
    )  # fmt: skip
    assert found.localization >= 100


def test_components_of_very_different_sizes():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.small = nn.Parameter(torch.ones(2, dtype=torch.float64))
            self.large = nn.Parameter(torch.ones(300, dtype=torch.float64))

    def loss(model, batch):
        both = (model.small - 1).square().sum() + (model.large - 1).square().sum()
        return both.expand(len(batch))

    masks = {name: Mask({name: whole(w)}) for name, w in Two().named_parameters()}
    found = calibrate(Two(), loss, ROW, components=masks, batch_size=None, map=False)
    here = found.map.isel(trial=0)
    for name, size in (("small", 2), ("large", 300)):
        truth = gaussian_llc(np.full(size, 2.0), found.n_beta, found.localization)
        cell = here.sel(component=name)
        assert abs(cell.llc.item() - truth) < 0.05 * truth + 4 * cell.mcse.item()


def test_the_whole_data_in_several_rows():
    model = network()
    inputs = model.inputs(16, stream("rows"))
    found = calibrate(
        model, deep_linear_loss, inputs, components="full", batch_size=None, error=0.2, map=False
    )
    assert found.batch_size is None
    assert found.good == 1


def test_draws_follow_from_the_error():
    found = trial(draws=200, llc=2.0, mcse=0.2)  # ten per cent from four chains
    assert draws_for(found, error=0.05, chains=4) == 800
    assert draws_for(found, error=0.05, chains=8) == 400
    assert draws_for(found, error=0.5, chains=4) == 250  # 1.25 times those of the verdicts
    assert draws_for(found, error=0.001, chains=4) == MOST_DRAWS
    assert draws_for(trial(draws=20, mcse=0.0), 0.05, 4) == LEAST_DRAWS
    assert draws_for(trial(llc=np.nan, mcse=np.nan), 0.05, 4) == MOST_DRAWS


def call(**wrong):
    given = {"models": Point(0.0), "loss": power_loss(2), "data": ROW}
    given |= {"components": "full", "batch_size": None} | wrong
    return calibrate(given.pop("models"), given.pop("loss"), given.pop("data"), **given)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kernel": "HMC"}, "kernel must be a known name, got 'HMC'"),
        ({"error": 0.0}, "error must be"),
        ({"error": math.nan}, "error must be"),
        ({"chains": 1}, "chains must be a whole number of at least 2"),
        ({"batch_size": 0}, "batch_size must be a whole number of at least 1"),
        ({"n": 1}, "n must be a whole number of at least 2"),
        ({"guess": -1.0}, "guess must be"),
        ({"guess": math.inf}, "guess must be"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"gues": 1.0}, "gues must be a setting of calibrate.*Did you mean 'guess'"),
        ({"data": []}, "data must be a tensor"),
        ({"data": torch.zeros(0)}, "data must hold at least one example"),
        ({"models": []}, "models must hold at least one model"),
        ({"models": 3}, "models must be a module or several"),
        ({"models": ["a"]}, "model 0 must be a module"),
        ({"models": [Point(0.0), Point(0.0, 1.0)]}, "model 1 must have the weights of model 0"),
        ({"models": Point(math.nan)}, "model 0 must hold finite numbers"),
        ({"components": "hedas"}, "components"),
        ({"loss": lambda m, b: m.w.sum()}, "loss must have shape"),
        ({"loss": lambda m, b: m.w.sum().item()}, "loss must return a tensor"),
        ({"loss": lambda m, b: (m.w * math.nan).expand(len(b))}, "loss must be finite"),
        ({"loss": lambda m, b: torch.rand(1) + m.w}, "loss must give the same numbers"),
        ({"loss": lambda m, b: torch.ones(1)}, "must enter the loss"),
    ],
)
def test_bad_input_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        call(**wrong)


def test_an_example_that_is_not_finite_is_refused_before_any_chain():
    data = torch.zeros(40, 1)
    data[39] = math.inf

    def loss(model, batch):
        return (model.w - batch[:, 0]) ** 2

    with pytest.raises(InputError, match="data must have a finite loss at the center"):
        call(loss=loss, data=data, batch_size=4, say=lambda text: None)


def test_a_token_beyond_the_embedding_is_refused():
    model = nn.Sequential(nn.Embedding(5, 2), nn.Linear(2, 1))
    tokens = torch.zeros(40, 1, dtype=torch.long)
    tokens[39] = 5
    with pytest.raises(InputError, match="data must hold tokens from 0 to 4"):
        calibrate(model, lambda m, b: m(b)[:, 0, 0] ** 2, tokens, components="full")
