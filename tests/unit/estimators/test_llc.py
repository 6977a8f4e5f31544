import numpy as np
import pandas as pd
import pytest
import xarray as xr

import somite as so
from somite.core.errors import InputError
from somite.sampling.convergence import effective_size, mean_error, rank_r_hat

COMPONENTS = ["0:0", "1:3"]


def made_draws(
    loss: np.ndarray, probe_loss: np.ndarray | None = None, n_beta: float = 10.0
) -> xr.Dataset:
    """Draws with given losses (component, chain, draw), all chains well."""
    parts, chains, _ = loss.shape
    probe = np.empty((0, parts, chains, 0)) if probe_loss is None else probe_loss[None]
    return xr.Dataset(
        {
            "loss": (("component", "chain", "draw"), loss),
            "probe_loss": (("probe", "component", "chain", "probe_draw"), probe),
            "status": (("component", "chain"), np.full((parts, chains), "converged", dtype="U40")),
        },
        coords={
            "component": COMPONENTS[:parts],
            "chain": range(chains),
            "probe": ["reference"][: len(probe)],
        },
        attrs={"n_beta": n_beta, "step_size": 1e-3},
    )


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_it_is_n_beta_times_the_mean_difference():
    loss = normal(2, 4, 50) + np.array([3.0, 5.0])[:, None, None]
    table = so.llc(made_draws(loss))
    np.testing.assert_allclose(table.llc, 10 * loss.mean((1, 2)))
    for i in range(2):
        assert float(table.mcse[i]) == pytest.approx(10 * mean_error(loss[i]))
        assert float(table.r_hat[i]) == pytest.approx(rank_r_hat(loss[i]))
        assert float(table.ess[i]) == pytest.approx(effective_size(loss[i]))
    assert table.verdict.values.tolist() == ["good"] * 2
    assert table.attrs == {"n_beta": 10.0, "step_size": 1e-3}


def test_the_scale_comes_from_the_draws():
    loss = normal(1, 4, 50)
    low, high = (so.llc(made_draws(loss, n_beta=n)) for n in (1.0, 7.0))
    for name in ("llc", "mcse"):
        np.testing.assert_allclose(high[name], 7 * low[name])
    for name in ("r_hat", "ess"):
        np.testing.assert_allclose(high[name], low[name])


def test_the_error_is_the_larger_of_minibatch_and_probe():
    loss, quiet, wild = normal(1, 4, 80), 0.1 * normal(1, 4, 20), 10 * normal(1, 4, 20)
    own = 10 * mean_error(loss[0])
    assert float(so.llc(made_draws(loss, quiet)).mcse[0]) == pytest.approx(own)
    probe = 10 * mean_error(wild[0])
    assert float(so.llc(made_draws(loss, wild)).mcse[0]) == pytest.approx(probe)
    assert float(so.llc(made_draws(loss, wild)).llc[0]) == pytest.approx(10 * loss.mean())


def test_chains_that_do_not_mix_are_named_by_either_trace():
    apart = 0.1 * normal(1, 4, 50) + np.arange(4)[:, None]
    mixed = normal(1, 4, 50)
    for draws in (made_draws(apart), made_draws(mixed, apart)):
        row = so.llc(draws).isel(component=0)
        assert row.verdict == "don't use"
        assert "not mixed (R-hat " in row.reason.item()
        assert "raise burn_in, draws or localization" in row.reason.item()
    mean = 3 + mixed
    assert so.llc(made_draws(mean, 3 + normal(1, 4, 50, seed=1))).verdict.item() == "good"


def test_too_few_draws_are_not_called_good():
    table = so.llc(made_draws(normal(1, 4, 7)))
    assert table.verdict.item() == "don't use"
    assert table.reason.item() == "too few draws to judge: take at least 8 per chain"
    assert np.isnan(table.mcse.item())


def test_it_becomes_a_data_frame():
    frame = so.llc(made_draws(normal(2, 4, 50))).to_dataframe()
    assert isinstance(frame, pd.DataFrame)
    assert frame.index.name == "component"
    assert frame.index.tolist() == COMPONENTS
    assert frame.columns.tolist() == [
        *("llc", "mcse", "r_hat", "ess", "r_hat_probe", "ess_probe", "chains_failed"),
        *("verdict", "reason", "center_verdict", "center_reason"),
    ]


@pytest.mark.parametrize("n_beta", [0.0, -1.0])
def test_a_control_run_has_no_llc(n_beta):
    with pytest.raises(InputError, match=r"n_beta of the draws must be positive.*control run"):
        so.llc(made_draws(normal(1, 4, 50), n_beta=n_beta))


def test_an_unknown_treatment_of_failures_is_refused():
    with pytest.raises(InputError, match=r"on_failure must be a known name.*raise, leave out"):
        so.llc(made_draws(normal(1, 4, 50)), on_failure="ignore")


def test_the_mean_of_a_failed_chain_never_enters():
    loss = 3 + normal(1, 4, 50)
    draws = made_draws(loss, 3 + normal(1, 4, 10))
    draws.loss[0, 2, 30:] = np.nan
    draws.probe_loss[0, 0, 2, 6:] = np.nan
    draws.status[0, 2] = "diverged at step 30: lower step_size"
    table = so.llc(draws, on_failure="leave out")
    good = [0, 1, 3]
    assert table.llc.item() == pytest.approx(10 * loss[0, good].mean())
    assert table.r_hat.item() == pytest.approx(rank_r_hat(loss[0, good]))
    assert np.isfinite(table.r_hat_probe.item())
    assert table.verdict.item() == "usable with care"
    assert table.reason.item().startswith("1 of 4 chains failed (diverged at step 30); ")
    with pytest.raises(InputError, match=r"component 0:0 must have chains .*diverged at step 30"):
        so.llc(draws)
