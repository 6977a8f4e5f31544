"""The stated error is the actual error: over repeats (λ̂ − exact) / mcse scatters with sd 1."""

import numpy as np
import pytest
from scipy.stats import chi2

import somite as so
from laws.gaussian import Setting, random_tilts, walked
from laws.stationary import exact_llc
from somite.sampling.convergence import mean_error

REPEATS, CHAINS = 40, 4
BOUNDS = chi2.ppf([0.001, 0.999], REPEATS - 1) / (REPEATS - 1)
FULL = Setting(localization=8.0, chains=REPEATS * CHAINS, burn_in=20, draws=60)
CASES = {
    "SGLD": (so.SGLD(0.06), FULL),
    "SGLD on minibatches": (so.SGLD(0.06), FULL.but(tilts=random_tilts())),
    "RMSpropSGLD": (so.RMSpropSGLD(0.12, offset=0.3), FULL),
    "BAOAB": (so.BAOAB(0.25, friction=5.0), FULL),
}


@pytest.mark.parametrize("case", CASES)
def test_mcse_covers_repeats_of_the_sampler(case):
    kernel, setting = CASES[case]
    there = walked(setting, kernel)  # chains are independent: each few of them are a repeat
    exact = np.array([exact_llc(setting, "AB", kernel, state) for state in there.states])
    z = []
    for chains in np.arange(setting.chains).reshape(REPEATS, CHAINS):
        table = so.llc(there.draws.isel(chain=chains))
        z.append((float(table.llc[0]) - exact[chains].mean()) / float(table.mcse[0]))
    assert abs(np.mean(z)) < 4 / np.sqrt(REPEATS)
    assert BOUNDS[0] < np.var(z, ddof=1) < BOUNDS[1]


def autoregression(rho: float, chains: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    values = np.empty((chains, draws))
    values[:, 0] = rng.standard_normal(chains)
    for i in range(1, draws):
        fresh = rng.standard_normal(chains)
        values[:, i] = rho * values[:, i - 1] + np.sqrt(1 - rho**2) * fresh
    return values


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_mean_error_covers_correlated_draws(rho):
    rng = np.random.default_rng(0)
    series = [autoregression(rho, 4, 500, rng) for _ in range(REPEATS)]
    z = np.array([x.mean() / mean_error(x) for x in series])
    assert BOUNDS[0] < z.var(ddof=1) < BOUNDS[1]


def test_an_error_that_ignores_correlation_is_rejected():
    rng = np.random.default_rng(0)
    series = [autoregression(0.9, 4, 500, rng) for _ in range(REPEATS)]
    z = np.array([x.mean() / (x.std() / np.sqrt(x.size)) for x in series])
    assert z.var(ddof=1) > 2 * BOUNDS[1]
