"""Covariances of losses under a Gaussian are exact, and their errors are the actual ones."""

import numpy as np
import pytest
from numpy.typing import NDArray

import somite as so
from laws.checks import LIMIT
from laws.linear_response import Case, together

CASES = 200
Found = NDArray[np.float64]  # (case, [estimate, error, exact, scale])


def susceptibilities(observable_noise: float = 0.0, error: str = "mcse", **how: object) -> Found:
    """One item of every case; noise of the reference alone is that of a minibatch in φ and in L."""
    cases = [Case(seed, items=1, **how) for seed in range(CASES)]
    draws, losses = together(cases)
    noise = np.random.default_rng(0).normal(size=draws.probe_loss.shape)
    draws["probe_loss"] = draws.probe_loss + observable_noise * noise
    found = so.susceptibility(draws, losses).isel(example=0)
    truth = [(case.susceptibility(1), case.scale(1)) for case in cases]
    return np.column_stack([found.susceptibility, found[error], truth])


def influences(noise: float = 0.0, **how: object) -> Found:
    """Two items of every case, with noise that they may have in common."""
    cases = [Case(seed, items=2, noise=noise, **how) for seed in range(CASES)]
    found = so.influence(together(cases)[1]).isel(query=0, example=1)
    scale = [np.sqrt(case.exact(1, 1) * case.exact(2, 2)) for case in cases]
    exact = [-case.exact(1, 2) for case in cases]
    return np.column_stack([found.influence, found.influence_mcse, exact, scale])


def correlations(**how: object) -> Found:
    cases = [Case(seed, items=2, **how) for seed in range(CASES)]
    found = so.influence(together(cases)[1]).isel(query=0, example=1)
    exact = [c.exact(1, 2) / np.sqrt(c.exact(1, 1) * c.exact(2, 2)) for c in cases]
    return np.column_stack([found.correlation, found.correlation_mcse, exact, np.ones(CASES)])


def bias(found: Found) -> float:
    """Mean deviation over the scale, in its standard errors over the cases."""
    off = (found[:, 0] - found[:, 2]) / found[:, 3]
    return float(off.mean() / (off.std(ddof=1) / np.sqrt(len(off))))


def within(found: Found) -> float:
    """Share of the cases within two errors."""
    return float(np.mean(abs(found[:, 0] - found[:, 2]) <= 2 * found[:, 1]))


@pytest.mark.parametrize("measured", [susceptibilities, influences, correlations])
def test_responses_are_those_of_the_gaussian_within_their_errors(measured):
    found = measured()
    assert abs(bias(found)) < LIMIT
    assert 0.9 <= within(found) <= 0.99
    assert np.median(found[:, 1] / found[:, 3]) <= 0.05


@pytest.mark.parametrize(
    ("measured", "noise"), [(susceptibilities, "observable_noise"), (influences, "noise")]
)
def test_factors_from_one_minibatch_are_rejected(measured, noise):
    assert abs(bias(measured(draws=200))) < LIMIT
    found = measured(draws=200, **{noise: 2.0})
    assert abs(bias(found)) > LIMIT
    assert within(found) < 0.9


def test_an_error_that_ignores_the_correlation_of_draws_is_rejected(monkeypatch):
    assert within(susceptibilities(correlation=0.8)) >= 0.9
    monkeypatch.setattr("somite.response.blocks.block_length", lambda draws: 1)
    assert within(susceptibilities(error="error_blocks", correlation=0.8)) < 0.8


def test_the_null_of_another_chain_finds_little():
    draws, losses = together([Case(seed, items=1, draws=200) for seed in range(CASES)])
    false = so.susceptibility(draws, losses, null=True).p_value < 0.05
    assert float(false.mean()) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / CASES)
    assert float((so.susceptibility(draws, losses).p_value < 0.05).mean()) > 0.5


def test_the_full_estimator_is_the_response_of_the_observable_with_a_delta():
    """Two weights u, v, a grid: d⟨δ(u) (L − L*)⟩_h/dh over n_beta, divided by ⟨δ(u)⟩."""
    n_beta, held, h = 8.0, 1.0, 1e-4
    grid = np.linspace(-4, 4, 801)
    u, v = np.meshgrid(grid, grid, indexing="ij")
    loss = u**2 / 2 + 0.6 * u * v + v**2 + 0.3 * v
    change = 0.4 * u - 0.7 * v + 0.8 * u * v + 0.2 * v**2 + 0.3 * u**2
    prior = held / 2 * (u**2 + v**2)

    def weight(shift: float) -> np.ndarray:
        return np.exp(-n_beta * (loss + shift * change) - prior)

    def observable(shift: float) -> float:
        density, middle = weight(shift), len(grid) // 2
        line = (density * loss)[middle].sum() * (grid[1] - grid[0])
        return float(line / (density.sum() * (grid[1] - grid[0]) ** 2))

    density, middle = weight(0.0), len(grid) // 2
    line = density[middle] / density[middle].sum()
    in_component = [(line * x[middle]).sum() for x in (loss * change, loss, change)]
    in_all = (density * change).sum() / density.sum()
    expected = -(in_component[0] - in_component[1] * in_all)
    delta = density[middle].sum() * (grid[1] - grid[0]) / (density.sum() * (grid[1] - grid[0]) ** 2)
    response = (observable(h) - observable(-h)) / (2 * h) / n_beta
    assert response / delta == pytest.approx(expected, rel=1e-5)
    restricted = -(in_component[0] - in_component[1] * in_component[2])
    assert abs(restricted - expected) > 0.1 * abs(expected)


def test_a_mixture_at_a_rate_has_that_share_of_the_response():
    case = Case(1, items=2)
    mixed = 0.9 * case.losses[..., :1] + 0.1 * case.losses[..., 1:]
    given = case.recorded.copy(data=mixed[None])
    whole, part = (so.susceptibility(case.dataset(), x) for x in (case.recorded, given))
    np.testing.assert_allclose(part.susceptibility, 0.1 * whole.susceptibility, rtol=1e-9)
