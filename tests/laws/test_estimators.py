"""Exact values of the estimators on Gaussian posteriors, and twins that the same check rejects."""

import math
from functools import cache

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.stats import binom
from torch import Tensor, nn

from laws.gaussian import FLAT, Setting, random_tilts, run
from laws.stationary import exact_llc
from somite import (
    BAOAB,
    SGLD,
    Target,
    llc,
    llc_ladder,
    richardson,
    sample,
    second_moment_shares,
    shares,
    stein_llc,
    waic,
    wbic,
)
from somite.core.random import stream, stream_seed
from somite.estimators.ladder import slopes_matrix
from unit.estimators.recorded import SERIES, recorded

LIMIT = 4.0
REJECTED = 6.0
NOISY = Setting(tilts=random_tilts())
CURVATURES = np.array([0.1, 0.5, 1.0, 3.0])


def z(table: xr.Dataset, name: str, error: str, exact: float) -> float:
    """Deviation of the first component from the exact value, in its own errors."""
    return float((table[name][0] - exact) / table[error][0])


@cache
def noisy() -> xr.Dataset:
    """SGLD on minibatches, at a step that biases the draws."""
    return run(NOISY)


# Shares and the control variate, under SGLD on minibatches.


def test_the_share_is_the_llc_of_a_quadratic_basin():
    table, exact = shares(noisy()), exact_llc(NOISY)
    assert abs(z(table, "share", "share_mcse", exact)) < LIMIT
    assert abs(z(table, "anharmonicity", "anharmonicity_mcse", 1.0)) < LIMIT
    assert abs(z(table, "share", "share_mcse", 2 * exact)) > REJECTED  # Δw·∂L without the half


def test_both_forms_of_the_share_agree_on_minibatches():
    table = second_moment_shares(noisy())
    assert abs(table.z.item()) < LIMIT
    assert abs(z(table, "second_moment", "second_moment_mcse", exact_llc(NOISY))) < LIMIT
    twin = noisy().copy()
    twin["drift_square"] = 0 * twin.drift_square  # ½(d − γE‖Δw‖²): the step left out
    assert abs(second_moment_shares(twin).z.item()) > REJECTED


def test_forms_disagree_where_the_chain_has_not_settled():
    start = run(NOISY.but(burn_in=0, draws=12, step_size=0.01))
    table = second_moment_shares(start)
    assert abs(table.z.item()) > LIMIT
    assert table.remark.item().startswith("the two forms disagree")


def test_the_control_variate_has_mean_zero_and_keeps_the_value():
    exact = exact_llc(NOISY)
    table = stein_llc(noisy())
    assert abs(table.z.item()) < LIMIT
    assert abs(z(table, "llc", "mcse", exact)) < LIMIT
    twin = noisy().copy()
    twin["drift_square"] = 0 * twin.drift_square  # a mean of d in place of d + (ε/4)E‖G‖²
    assert abs(z(stein_llc(twin), "llc", "mcse", exact)) > REJECTED


def test_the_control_variate_narrows_the_error():
    full = run(NOISY.but(tilts=FLAT, step_size=0.02))
    table = stein_llc(full)
    assert table.variance_ratio.item() > 3
    assert abs(z(table, "llc", "mcse", exact_llc(NOISY.but(tilts=FLAT, step_size=0.02)))) < LIMIT


def simulated(step: float, seed: str, draws: int, groups: int, noise: float = 2.0) -> xr.Dataset:
    """Stationary SGLD on the diagonal basin, four chains of each of many components.

    Its own recursion, all chains at once; `noise` is the deviation of minibatch gradients.
    """
    generator = np.random.default_rng(stream_seed("simulated", seed))
    precision = 10 * CURVATURES + 2
    away = generator.standard_normal((groups, 4, 4)) * np.sqrt(variance(step, noise))
    rows = []
    for _ in range(draws):
        tilt = noise / 10 * generator.standard_normal(away.shape)
        pull = away * (CURVATURES * away + tilt)
        drift = precision * away + 10 * tilt
        loss = (CURVATURES * away**2 / 2 + tilt * away).sum(-1)
        rows.append([loss, (away**2).sum(-1), pull.sum(-1) / 2, (drift**2).sum(-1)])
        away = away - step / 2 * drift + math.sqrt(step) * generator.standard_normal(away.shape)
    series = dict(zip(SERIES, np.moveaxis(rows, 0, -1), strict=True))
    made = recorded(series, groups, 4, draws, step_size=step, seed=seed)
    return made.assign(size=("component", np.full(groups, 4)))


def variance(step: float, noise: float = 2.0) -> np.ndarray:
    """Stationary variance of every direction under SGLD."""
    precision = 10 * CURVATURES + 2
    return (1 + step * noise**2 / 4) / (precision * (1 - step * precision / 4))


def diagonal_llc(step: float, noise: float = 2.0) -> float:
    """λ̂ of stationary SGLD on the diagonal basin."""
    return float((10 * CURVATURES * variance(step, noise)).sum() / 2)


def misses(table: xr.Dataset, name: str, error: str, exact: float) -> float:
    """Share of the components whose value is off by more than two errors."""
    return float((abs(table[name] - exact) > 2 * table[error]).mean())


def test_errors_are_true():
    """Of 150 independent estimates 4 to 11 % miss by 2 errors (four chains); halved ones fail."""
    draws = simulated(0.04, "errors", 200, 150)
    exact = diagonal_llc(0.04)
    most = binom.ppf(1 - 1e-4, 150, 0.08) / 150
    for table, name, error, value in (
        (stein_llc(draws), "llc", "mcse", exact),
        (shares(draws), "share", "share_mcse", exact),
        (shares(draws), "anharmonicity", "anharmonicity_mcse", 1.0),
        (second_moment_shares(draws), "second_moment", "second_moment_mcse", exact),
    ):
        assert misses(table, name, error, value) < most
        assert misses(table.assign({error: table[error] / 2}), name, error, value) > most


# Powers: every draw of a homogeneous loss has the same ratio.


class Powers(nn.Module):
    """Independent weights at the origin."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(size, dtype=torch.float64))


def sample_powers(loss: object, kernel: object, size: int = 50, **settings: object) -> xr.Dataset:
    data = torch.zeros(1, 1)
    target = Target(loss, data, n_beta=10.0, localization=1.0)
    chains = {"chains": 4, "burn_in": 100, "draws": 200, "batch_size": None} | settings
    return sample(Powers(size), target, kernel, components="full", **chains)


@pytest.mark.parametrize("half", [1, 2, 3])
def test_a_homogeneous_loss_has_its_own_anharmonicity(half):
    draws = sample_powers(
        lambda model, _: (model.weights ** (2 * half)).sum()[None], SGLD(0.005), draws=50
    )
    table = shares(draws)
    assert table.anharmonicity.item() == pytest.approx(1 / half)
    assert table.remark.item().startswith("" if half == 1 else "anharmonicity 0.")
    assert bool(table.remark.item()) == (half > 1)


def log_cosh(model: Powers, _: Tensor) -> Tensor:
    """A loss that is quadratic at the center and linear far from it: R is above 1."""
    w = 4 * model.weights
    return (torch.logaddexp(w, -w) - math.log(2)).sum()[None] / 4


def log_cosh_moments() -> tuple[float, float]:
    """Exact λ̂ and ν of one weight, by quadrature."""
    w = np.linspace(-12, 12, 100_001)
    loss, slope = (np.logaddexp(4 * w, -4 * w) - math.log(2)) / 4, np.tanh(4 * w)
    density = np.exp(-10 * loss - w**2 / 2)
    llc, share = (10 * (f * density).sum() / density.sum() for f in (loss, w * slope / 2))
    return llc, share


def test_a_flat_loss_is_above_one():
    table = shares(sample_powers(log_cosh, BAOAB(0.1, 2.0), size=100))
    of_one, share = log_cosh_moments()
    assert abs(z(table, "share", "share_mcse", 100 * share)) < LIMIT
    assert abs(z(table, "anharmonicity", "anharmonicity_mcse", of_one / share)) < LIMIT
    assert abs(z(table, "anharmonicity", "anharmonicity_mcse", share / of_one)) > REJECTED
    assert "above 1: flat" in table.remark.item()


# The ladder, on draws of the exact Gaussian posteriors.

N_BETA = tuple(5.0 * 1.4**k for k in range(5))


def rung(n_beta: float, localization: float = 2.0, noise: float = 0.0) -> xr.Dataset:
    """Independent draws; losses with minibatch noise, K on the probe without."""
    generator = np.random.default_rng(int(100 * n_beta))
    shape = (1, 4, 1000, 4)
    precision = n_beta * CURVATURES + localization
    away = generator.standard_normal(shape) / np.sqrt(precision)
    probe = (CURVATURES * away**2).sum(-1) / 2
    loss = probe + noise * (generator.standard_normal(shape) * away).sum(-1)
    return recorded({"loss": loss}, 1, 4, 1000, probe=probe, n_beta=n_beta)


def energies(n_beta: float) -> np.ndarray:
    """n_beta·h/(n_beta·h + γ) of every direction."""
    return n_beta * CURVATURES / (n_beta * CURVATURES + 2.0)


def test_every_rung_and_both_sides_of_the_identity_are_exact():
    table = llc_ladder([rung(n_beta, noise=0.3) for n_beta in N_BETA]).isel(component=0)
    values = np.array([energies(b).sum() / 2 for b in N_BETA])
    squares = np.array([(energies(b) ** 2).sum() / 2 for b in N_BETA])
    slopes = slopes_matrix(np.log(N_BETA)) @ values  # of the parabolas through exact values
    for name, error, exact in (
        ("llc", "mcse", values),
        ("slope", "slope_mcse", slopes),
        ("variance_form", "variance_form_mcse", squares),
        ("slope_form", "slope_form_mcse", values - slopes),
    ):
        assert (abs((table[name] - exact) / table[error]) < LIMIT).all()
    assert (abs(table.z) < LIMIT).all()
    np.testing.assert_allclose(values - slopes, squares, rtol=0.02)  # of the ladder's width


def test_minibatch_losses_break_the_identity():
    rungs = [rung(n_beta, noise=1.0) for n_beta in N_BETA]
    assert (abs(llc_ladder(rungs).z) < LIMIT).all()
    twins = [run.assign(probe_loss=(run.probe_loss.dims, run.loss.values[None])) for run in rungs]
    assert (llc_ladder(twins).z > REJECTED).all()


def test_a_prior_that_moves_with_the_temperature_breaks_the_identity():
    twins = [rung(n_beta, localization=0.4 * n_beta) for n_beta in N_BETA]
    assert (abs(llc_ladder(twins).z[0, 1:-1]) > REJECTED).all()


# Richardson extrapolation, of SGLD on minibatches.


def test_richardson_finds_the_exact_combination_of_both_laws():
    table = richardson(simulated(0.04, "fine", 4000, 1), simulated(0.08, "coarse", 2000, 1))
    fine, coarse = diagonal_llc(0.04), diagonal_llc(0.08)
    posterior = energies(10.0).sum() / 2
    assert abs(z(table, "plain_llc", "plain_mcse", fine)) < LIMIT
    assert abs(z(table, "llc", "mcse", 2 * fine - coarse)) < LIMIT
    assert abs(z(table, "llc", "mcse", 2 * coarse - fine)) > REJECTED  # weights swapped
    assert z(table, "plain_llc", "plain_mcse", posterior) > REJECTED
    # What is left is of second order: at a quarter of the steps it is a sixteenth, about.
    left = [2 * diagonal_llc(s) - diagonal_llc(2 * s) - posterior for s in (4e-3, 1e-3)]
    assert left[0] / left[1] == pytest.approx(16, rel=0.1)


# WBIC and WAIC of a conjugate model: y = x·w + noise, w ~ N(center, 1/γ) a priori.

SAMPLES, PRIOR = 30, 1.5


def regression(seed: str) -> tuple[Tensor, Tensor]:
    generator = stream("conjugate", seed)
    x = torch.randn(SAMPLES, 2, generator=generator, dtype=torch.float64)
    noise = torch.randn(SAMPLES, generator=generator, dtype=torch.float64)
    return x, x @ torch.tensor([0.5, -1.0], dtype=torch.float64) + noise


class Line(nn.Module):
    """Linear regression at its least-squares weights."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.linalg.lstsq(x, y[:, None]).solution[:, 0])


def likelihood(model: Line, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Negative log likelihood of every sample, noise of variance 1."""
    x, y = batch
    return (y - x @ model.weights).square() / 2 + math.log(2 * math.pi) / 2


class Conjugate:
    """The exact posterior N(center, (n_beta·H + γ)⁻¹), and draws from it without step bias."""

    def __init__(self, n_beta: float, seed: str) -> None:
        self.x, self.y = data = regression(seed)
        model = Line(*data)
        target = Target(likelihood, data, n_beta, PRIOR, n=SAMPLES)
        self.draws = sample(
            model,
            target,
            BAOAB(0.15, 10.0),
            components="full",
            probes={"reference": data},
            pointwise=True,
            probe_every=1,
            batch_size=None,
            chains=8,
            burn_in=30,
            draws=250,
        )
        self.hessian = (self.x.T @ self.x / SAMPLES).numpy()
        self.covariance = np.linalg.inv(n_beta * self.hessian + PRIOR * np.eye(2))
        self.residuals = (self.y - self.x @ model.weights.detach()).numpy()
        self.center = float(likelihood(model, data).detach().mean())
        # Variance of x·(w − center) for every sample.
        self.spread = np.einsum("ni,ij,nj->n", self.x, self.covariance, self.x)


def test_wbic_of_a_conjugate_model_is_exact():
    model = Conjugate(SAMPLES / math.log(SAMPLES), "wbic")
    table = wbic(model.draws)
    rise = np.trace(model.hessian @ model.covariance) / 2
    exact = SAMPLES * (model.center + rise)
    assert abs(z(table, "wbic", "wbic_mcse", exact)) < LIMIT
    assert abs(z(table, "llc", "mcse", SAMPLES / math.log(SAMPLES) * rise)) < LIMIT
    tempered = SAMPLES * model.center + SAMPLES / math.log(SAMPLES) * rise
    assert abs(z(table, "wbic", "wbic_mcse", tempered)) > REJECTED  # n_beta in place of n
    wrong = wbic(
        model.draws.assign_attrs(n=2 * SAMPLES, n_beta=2 * SAMPLES / math.log(2 * SAMPLES))
    )
    assert abs(z(wrong, "wbic", "wbic_mcse", exact)) > REJECTED


def test_waic_of_a_conjugate_model_is_exact():
    model = Conjugate(float(SAMPLES), "waic")
    table, r2, v = waic(model.draws), model.residuals**2, model.spread
    predictive = math.log(2 * math.pi) / 2 + np.log(1 + v) / 2 + r2 / (2 * (1 + v))
    variance = (r2 * v + v**2 / 2).sum()
    training = predictive.mean()
    for name, exact, wrong in (
        # A wrong twin each: E[loss] of single draws, variance of the mean loss,
        # the sign of the penalty, ν = V.
        ("training_loss", training, (math.log(2 * math.pi) + r2 + v).mean() / 2),
        ("functional_variance", variance, variance / SAMPLES),
        ("waic", training + variance / SAMPLES, training - variance / SAMPLES),
        ("singular_fluctuation", variance / 2, variance),
    ):
        assert abs(z(table, name, f"{name}_mcse", exact)) < LIMIT
        assert abs(z(table, name, f"{name}_mcse", wrong)) > REJECTED
    regular = np.trace(model.hessian @ model.covariance) * SAMPLES / 2
    assert abs(llc(model.draws).llc.item() - regular) < 0.1
