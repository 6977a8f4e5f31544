import numpy as np
import pytest

from somite.estimators.trace import STATISTICS, relative, trace_statistics, trend

NOISE = np.random.default_rng(0).standard_normal((4, 200))


def autoregression(rho: float, chains: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    values = np.empty((chains, draws))
    values[:, 0] = rng.standard_normal(chains)
    for i in range(1, draws):
        fresh = rng.standard_normal(chains)
        values[:, i] = rho * values[:, i - 1] + np.sqrt(1 - rho**2) * fresh
    return values


def test_bulk_and_tail_are_counted_apart():
    found = trace_statistics(NOISE)
    assert found["ess"] == pytest.approx(800, rel=0.2)
    assert found["ess_bulk"] == pytest.approx(800, rel=0.2)
    assert 400 < found["ess_tail"] < 960
    slow = autoregression(0.9, 4, 400, np.random.default_rng(3))
    wide = np.random.default_rng(4).standard_normal((4, 400)) * np.exp(slow)
    assert trace_statistics(wide)["ess_tail"] < 0.6 * trace_statistics(wide)["ess_bulk"]


def test_a_trend_is_measured():
    change, error = trend(NOISE + np.linspace(0, 5, 200))
    assert change == pytest.approx(5, abs=4 * error)
    assert error == pytest.approx(np.sqrt(12 / NOISE.size), rel=0.15)


@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_the_error_of_a_trend_covers_correlated_draws(rho):
    rng = np.random.default_rng(1)
    z = [np.divide(*trend(autoregression(rho, 4, 400, rng))) for _ in range(60)]
    assert 0.7 < np.std(z) < 1.35
    assert np.abs(z).max() < 4


def test_the_autocorrelation_is_in_kept_draws():
    rho = 0.8
    values = autoregression(rho, 4, 2000, np.random.default_rng(2))
    exact = (1 + rho) / (1 - rho)
    found = trace_statistics(values)
    assert found["autocorrelation"] == pytest.approx(exact, rel=0.2)
    assert found["autocorrelation"] == pytest.approx(values.size / found["ess"])
    spaced = trace_statistics(values, spacing=5)
    assert spaced["autocorrelation"] == pytest.approx(5 * found["autocorrelation"])


def test_trend_is_a_share_of_the_mean():
    found = trace_statistics(10 + NOISE + np.linspace(-1, 1, 200))
    assert found["trend"] == pytest.approx(0.2, rel=0.3)
    assert found["trend_z"] > 4
    falling = trace_statistics(10 + NOISE - np.linspace(-1, 1, 200))
    assert falling["trend_z"] < -4


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (NOISE[:, :7], "fewer than 8 draws per chain"),
        (np.empty((0, 50)), "no chain is left"),
        (np.empty((4, 0)), "fewer than 8 draws per chain"),
    ],
)
def test_what_cannot_be_said_says_why(values, why):
    assert trace_statistics(values) == dict.fromkeys(STATISTICS, why)


def test_losses_that_never_vary():
    found = trace_statistics(np.ones((4, 20)))
    assert found["mcse"] == found["trend"] == found["trend_z"] == 0
    assert found["r_hat"] == found["ess"] == "the losses never vary"


def test_a_single_chain_has_all_but_r_hat():
    found = trace_statistics(NOISE[:1])
    assert found["r_hat"] == "a single chain"
    assert all(isinstance(found[name], float) for name in STATISTICS if name != "r_hat")


def test_a_share_of_nothing():
    assert relative(0.0, 0.0) == 0
    assert relative(2.0, 0.0) == np.inf
    assert relative(-2.0, 0.0) == -np.inf
