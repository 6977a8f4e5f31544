"""A chain that fails ends with its status, and what it recorded enters no mean."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import somite as so
from somite.components.mask import Mask
from somite.components.patch import Patch
from somite.core.errors import InputError
from somite.sampling.status import CONVERGED, failed, free_distance, verdict
from unit.sampling.runs import Wells, sample_wells, wells_loss


@pytest.fixture(scope="module")
def mixed():
    """The steep well fails in some of its chains, the gentle one in none."""
    return sample_wells()


def test_the_status_says_when_and_what_to_try(mixed):
    steep = mixed.sel(component="steep")
    ends = {str(status) for status in steep.status.values} - {CONVERGED}
    assert 0 < len(ends) < 8
    for chain in range(8):
        step, status = int(steep.failed_at[chain]), str(steep.status[chain].values)
        if step >= 0:
            remedy = r"lower step_size (0.08) or n_beta (10)"
            assert status.startswith(f"diverged at step {step} (loss ")
            assert status.endswith(f"): {remedy}")
        else:
            assert status == CONVERGED


def test_nan_stands_after_the_failure_and_nowhere_else(mixed):
    for name in ("loss", "center_loss", "distance", "share", "drift_square"):
        found = np.isnan(mixed[name].sel(component="steep").values)
        for chain, step in enumerate(mixed.failed_at.sel(component="steep").values):
            assert not found[chain, : step if step >= 0 else 100].any()
            assert step < 0 or found[chain, step:].all()
    assert not mixed.loss.sel(component="gentle").isnull().any()


def test_a_failing_chain_does_not_touch_the_others(mixed):
    gentle = so.components(Wells(), "gentle")
    alone = sample_wells(components=gentle)
    np.testing.assert_array_equal(alone.loss[0], mixed.loss.sel(component="gentle"))
    assert (mixed.failed_at.sel(component="gentle") == -1).all()


def test_llc_raises_by_default_with_the_status(mixed):
    words = (
        "component steep must have chains that all ended well, got 'diverged at step .*leave out"
    )
    with pytest.raises(InputError, match=words):
        so.llc(mixed)


def test_llc_leaves_failed_chains_out_and_says_so(mixed):
    table = so.llc(mixed, on_failure="leave out")
    good = mixed.failed_at.sel(component="steep").values < 0
    assert table.chains_failed.sel(component="steep") == (~good).sum() > 0
    expected = 10 * mixed.loss.sel(component="steep").values[good].mean()
    assert float(table.llc.sel(component="steep")) == pytest.approx(expected)
    reason = table.reason.sel(component="steep").item()
    assert reason.startswith(f"{(~good).sum()} of 8 chains failed (diverged at step ")
    assert table.chains_failed.sel(component="gentle") == 0
    for name in ("llc", "mcse", "r_hat", "ess"):
        assert np.isfinite(table[name]).all()


def test_no_chain_left_has_no_estimate_and_says_why():
    draws = sample_wells(step_size=0.15)
    assert (draws.failed_at.sel(component="steep") >= 0).all()
    with pytest.raises(InputError, match=r"component steep must have chains that all ended well"):
        so.llc(draws)
    row = so.llc(draws, on_failure="leave out").sel(component="steep")
    assert np.isnan(row.llc.item())
    assert np.isnan(row.mcse.item())
    assert row.verdict.item() == "don't use"
    assert "no chain is left" in row.reason.item()


def test_a_chain_that_walks_away_has_drifted():
    model = nn.Linear(40, 1, bias=False)
    data = torch.ones(5, 40)
    target = so.Target(lambda m, x: m(x), data, n_beta=100, localization=10)
    draws = so.sample(model, target, so.SGLD(0.02), components="full", chains=2, draws=50)
    for status in draws.status.values.flat:
        assert status.startswith("drifted: mean squared distance is ")
        assert "raise localization or lower n_beta" in status
    assert not draws.loss.isnull().any()
    assert (draws.failed_at == -1).all()
    with pytest.raises(InputError, match="got 'drifted"):
        so.llc(draws)


def test_a_probe_that_stops_being_finite_ends_the_chain():
    class Weight(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.zeros(4))

    def loss(model: Weight, rows: Tensor) -> Tensor:
        flat = model.w.square().sum()
        return flat * torch.where((rows > 0) & (flat > 0.5), torch.inf, 1.0)

    target = so.Target(loss, torch.zeros(3), n_beta=1, localization=1)
    settings = {"components": "w", "chains": 2, "burn_in": 0, "draws": 60, "probe_every": 2}
    draws = so.sample(Weight(), target, so.SGLD(0.1), probes={"edge": torch.ones(2)}, **settings)
    assert (draws.failed_at > 0).all()
    for chain in range(2):
        step = int(draws.failed_at[0, chain])
        assert np.isfinite(draws.probe_loss[0, 0, chain, : step // 2]).all()
        assert draws.probe_loss[0, 0, chain, step // 2 :].isnull().all()


def test_weights_that_overflow_end_the_chain_though_the_loss_does_not_see_it():
    target = so.Target(lambda m, x: wells_loss(m, x).tanh(), torch.zeros(3), n_beta=0)
    settings = {"components": "steep", "chains": 1, "burn_in": 0, "draws": 5}
    draws = so.sample(Wells(), target, so.SGLD(1e38), **settings)
    assert draws.status.item().startswith("diverged at step 1 ")


def test_the_verdict_knows_how_far_the_prior_lets_a_chain_go():
    patch = Patch(Mask({"w": torch.ones(100, dtype=torch.bool)}), {"w": torch.full((100,), 2.0)})
    target = so.Target(wells_loss, torch.zeros(1), n_beta=1, localization=1.5, weight_decay=0.5)
    allowed = free_distance(patch, target, so.SGLD(0.1))
    assert allowed == pytest.approx(100 / (2 * (1 - 0.1 * 2 / 4)) + 100 * (0.25 * 2) ** 2)
    most = 4 + 6 * (2 / 100) ** 0.5
    assert verdict((most - 0.01) * allowed, 100, allowed) == CONVERGED
    words = "drifted: mean squared distance is 4.9 times"
    assert verdict((most + 0.01) * allowed, 100, allowed).startswith(words)
    assert failed(verdict(float("inf"), 100, allowed))
    free = so.Target(wells_loss, torch.zeros(1), n_beta=1)
    assert free_distance(patch, free, so.SGLD(0.1)) == float("inf")
    assert verdict(1e9, 100, float("inf")) == CONVERGED
