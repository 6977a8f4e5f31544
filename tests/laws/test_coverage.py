"""The stated error is the actual error: over repeats (λ̂ − exact) / mcse scatters with sd 1."""

import numpy as np
import pytest
from scipy.stats import chi2

import somite as so
from laws.gaussian import Setting, exact_llc, random_tilts, run
from somite.estimators.diagnostics import mean_error

REPEATS = 60
BOUNDS = chi2.ppf([0.001, 0.999], REPEATS - 1) / (REPEATS - 1)


def test_mcse_covers_repeats_of_the_sampler():
    setting = Setting(tilts=random_tilts(), chains=4, burn_in=40, draws=40)
    exact = exact_llc(setting)
    tables = [so.llc(run(setting.but(seed=seed))) for seed in range(REPEATS)]
    z = np.array([(float(t.llc[0]) - exact) / float(t.mcse[0]) for t in tables])
    assert abs(z.mean()) < 4 / np.sqrt(REPEATS)
    assert BOUNDS[0] < z.var(ddof=1) < BOUNDS[1]


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
