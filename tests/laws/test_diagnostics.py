"""On a Gaussian target every diagnostic has its exact expectation, and a wrong sampler shows."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.stats import chi2
from torch import nn

from laws.gaussian import BLOCKS, Basin, Setting, random_tilts, run, tilted_loss, z_score
from laws.stationary import exact_llc, stationary
from somite import BAOAB, MALA, SGLD, Target, sample
from somite.estimators.control import control_check
from somite.estimators.diagnostics import diagnose
from somite.estimators.equilibrium import distance_ratio, step_bias, temperature
from somite.theory.gaussian import gaussian_llc

LIMIT, CLEAR, SIZE = 4.0, 6.0, 4
NOISY = Setting(tilts=random_tilts())


class Loud(SGLD):
    """Noise of twice the variance."""

    def step(self, here, state, scene):
        loud = replace(scene, noise=lambda: math.sqrt(2) * scene.noise())
        return super().step(here, state, loud)


@pytest.fixture(scope="module")
def noisy() -> xr.Dataset:
    return run(NOISY)


@pytest.fixture(scope="module")
def loud() -> xr.Dataset:
    """The same with the wrong sampler."""
    return run(NOISY, kernel=Loud(NOISY.step_size)).assign_attrs(kernel="SGLD")


def chains(draws: xr.Dataset) -> list[xr.Dataset]:
    """Every chain of the one component alone."""
    return [draws.isel(component=0, chain=[chain]) for chain in draws.chain.values]


def temperatures(draws: xr.Dataset, name: str = "temperature") -> np.ndarray:
    return np.array([temperature(part)[name] for part in chains(draws)])


def distances(draws: xr.Dataset) -> np.ndarray:
    return np.array([distance_ratio(part)["distance_ratio"] for part in chains(draws)])


def exact_temperature(setting: Setting) -> float:
    """tr(PΣ)/d with the precision P = n_beta·H + γ and the stationary covariance Σ."""
    precision = setting.n_beta * setting.curvature.numpy() + setting.localization * np.eye(SIZE)
    return float(np.trace(precision @ stationary(setting))) / SIZE


def test_temperature_with_full_gradients():
    setting = Setting(draws=100)
    assert abs(z_score(temperatures(run(setting)), exact_temperature(setting))) < LIMIT
    assert exact_temperature(setting) > 1.1


def test_temperature_with_minibatches(noisy, loud):
    exact = exact_temperature(NOISY)
    assert exact > 1.2
    assert abs(z_score(temperatures(noisy), exact)) < LIMIT
    assert diagnose(noisy).temperature.item() == pytest.approx(temperatures(noisy).mean())
    assert z_score(temperatures(loud), exact) > CLEAR


def test_the_exact_posterior_has_temperature_one():
    draws = run(NOISY.but(chains=8), kernel=MALA(NOISY.step_size))
    assert abs(z_score(temperatures(draws), 1.0)) < LIMIT


def test_the_error_of_the_temperature_covers_its_spread_over_chains(noisy):
    found, error = temperatures(noisy), temperatures(noisy, "temperature_error")
    within = (len(found) - 1) * found.var(ddof=1) / (error**2).mean()
    low, high = chi2.ppf([0.0005, 0.9995], len(found) - 1)
    assert low < within < high


def test_distance_ratio(noisy, loud):
    free = SIZE * SGLD(NOISY.step_size).variance(NOISY.localization)
    exact = float(np.trace(stationary(NOISY))) / free
    assert abs(z_score(distances(noisy), exact)) < LIMIT
    assert diagnose(noisy).distance_ratio.item() == pytest.approx(distances(noisy).mean())
    assert z_score(distances(loud), exact) > CLEAR


def test_noise_ratio_is_unbiased():
    short = NOISY.but(chains=1, burn_in=0, draws=1)
    found = [diagnose(run(short.but(seed=seed))).noise_ratio.item() for seed in range(40)]
    covariance = np.cov(short.tilts.numpy().T, ddof=0) / short.batch_size
    exact = short.step_size / 4 * short.n_beta**2 * np.trace(covariance) / SIZE
    assert abs(z_score(np.array(found), exact)) < LIMIT
    assert abs(z_score(np.array(found), 2 * exact)) > CLEAR


def line_loss(model: nn.Linear, inputs: torch.Tensor) -> torch.Tensor:
    return model(inputs).square().sum(-1)


def test_noise_that_the_center_hides_is_found_at_the_draws():
    """Labels that the center fits exactly: each gradient is 2x(x·w), and its variance at w

    4·(Σ‖x‖²(x·w)²/n − ‖Hw‖²)/batch with H = Σxx'/n; E(x·w)² is known as w is almost Gaussian.
    """
    line, inputs = nn.Linear(3, 1, bias=False, dtype=torch.float64), torch.eye(3).double()
    nn.init.zeros_(line.weight)
    target = Target(line_loss, inputs, n_beta=3.0, localization=4.0)
    draws = sample(line, target, BAOAB(0.1, 4.0), components="full", batch_size=2, chains=64,
                   burn_in=40, draws=64, probe_every=8)  # fmt: skip
    variance = 1 / (3.0 * 2 / 3 + 4.0)  # of each weight; H = 1/3 of the identity
    exact = 4 * (3 * variance / 3 - 3 * variance / 9) / 2
    assert draws.gradient_noise.item() == 0
    assert abs(z_score(draws.draw_noise.values[0], exact)) < LIMIT
    assert abs(z_score(draws.draw_noise.values[0], 2 * exact)) > CLEAR


def test_the_gradient_at_the_center():
    away = torch.tensor([0.3, -0.2, 0.1, 0.4], dtype=torch.float64)
    basin = Basin(NOISY.curvature)
    with torch.no_grad():
        basin.first += away[:2]
        basin.second += away[2:]
    target = Target(tilted_loss, NOISY.tilts, 10.0, localization=2.0)
    settings = {"components": {"AB": BLOCKS["AB"]}, "chains": 1, "burn_in": 0, "draws": 20}
    found = diagnose(sample(basin, target, SGLD(0.01), batch_size=None, **settings))
    norm = float((NOISY.curvature @ away).norm())
    assert found.gradient_norm.item() == pytest.approx(norm)
    assert found.gradient_pull.item() == pytest.approx(10 * norm / math.sqrt(2))
    assert found.gradient_to_noise.item() == math.inf
    expected = 50 * norm**2 / abs(found.llc.item())
    assert found.gradient_effect.item() == pytest.approx(expected)


def posterior_llc(setting: Setting) -> float:
    """λ̂ of the posterior itself, without any error of the step."""
    return gaussian_llc(
        np.linalg.eigvalsh(setting.curvature.numpy()), setting.n_beta, setting.localization
    )


def unbiased(draws: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """λ̂ of every chain as it is, and less its own step bias."""
    plain = draws.n_beta * draws.loss[0].mean("draw").values
    return plain, plain * (1 - np.array([step_bias(part) for part in chains(draws)]))


def test_step_bias_is_exact_with_full_gradients():
    setting = Setting(step_size=0.09)
    exact = posterior_llc(setting)
    plain, corrected = unbiased(run(setting))
    assert abs(z_score(plain, exact_llc(setting))) < LIMIT
    assert abs(z_score(corrected, exact)) < LIMIT
    assert z_score(plain, exact) > CLEAR


def test_step_bias_is_an_upper_bound_with_minibatches(noisy):
    plain, corrected = unbiased(noisy)
    assert z_score(plain, posterior_llc(NOISY)) > CLEAR
    assert z_score(corrected, posterior_llc(NOISY)) < LIMIT


def test_step_bias_of_baoab_is_an_upper_bound_with_minibatches():
    setting, kernel = NOISY.but(chains=64), BAOAB(0.15, friction=3.0)
    draws, exact = run(setting, kernel=kernel), posterior_llc(NOISY)
    plain, corrected = unbiased(draws)
    assert z_score(plain, exact) > CLEAR
    assert z_score(corrected, exact) < LIMIT


def test_the_curvature_that_noise_meets():
    """tr(C·H), and not that of independent directions, tr(C)·tr(H)/d."""
    tilts = random_tilts() * torch.tensor([3.0, 0.3, 0.3, 0.3], dtype=torch.float64)
    covariance, curvature = np.cov(tilts.numpy().T, ddof=0) / 2, torch.diag(torch.arange(4.0) + 1)
    setting = NOISY.but(tilts=tilts, curvature=curvature.double(), chains=64)
    found, curvature = run(setting).noise_curvature.values[0], curvature.numpy()
    assert abs(z_score(found, np.trace(covariance @ curvature))) < LIMIT
    blind = np.trace(covariance) * np.trace(curvature) / SIZE
    assert abs(z_score(found, blind)) > CLEAR


@pytest.mark.parametrize("kernel", [SGLD(0.04), BAOAB(0.15, friction=3.0)], ids=["SGLD", "BAOAB"])
def test_noise_in_flat_directions_counts_for_nothing(kernel):
    """Nine tenths of the noise are where the loss is flat: no bound may count them."""
    curvature = torch.diag(torch.tensor([4.0, 2.0, 0.0, 0.0], dtype=torch.float64))
    tilts = random_tilts() * torch.tensor([0.3, 0.3, 3.0, 3.0], dtype=torch.float64)
    setting = NOISY.but(curvature=curvature, tilts=tilts, chains=64)
    draws, exact = run(setting, kernel=kernel), posterior_llc(setting)
    plain, corrected = unbiased(draws)
    all_noise = diagnose(draws).noise_ratio.item() * SIZE / 2
    assert all_noise > exact / 2
    assert (plain - corrected).mean() < all_noise / 5
    assert z_score(corrected, exact) < LIMIT


KERNELS = [SGLD(0.2), BAOAB(0.4, friction=3.0), MALA(0.5)]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_the_control_matches_its_closed_form(kernel):
    setting = Setting(n_beta=0.0, localization=5.0, tilts=random_tilts(), chains=8, draws=100)
    found = control_check(run(setting, kernel=kernel))
    assert found.expected_least.item() == SIZE * kernel.variance(5.0)
    assert found.expected_least.item() == found.expected_most.item()
    assert abs(found.z.item()) < LIMIT
    assert found.distance.item() == pytest.approx(
        found.expected_most.item() + found.z.item() * found.mcse.item()
    )


def test_loud_noise_fails_the_control():
    setting = Setting(n_beta=0.0, localization=5.0, step_size=0.2)
    draws = run(setting, kernel=Loud(setting.step_size)).assign_attrs(kernel="SGLD")
    assert control_check(draws).z.item() > CLEAR
