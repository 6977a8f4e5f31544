"""Chains that are bad in one known way, each with the right grade and the right reason."""

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import somite as so
from somite.core.random import stream
from somite.estimators.diagnostics import component_diagnostics
from somite.estimators.verdict import CARE, GOOD, REFUSE, center_verdict, verdict

SETTINGS = {"n_beta": 10.0, "step_size": 0.01, "burn_in": 20, "draws": 100, "batch_size": 4}


class Bowl(nn.Module):
    """Fifty weights at their minimum, or a distance away from it."""

    def __init__(self, away: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((50,), away, dtype=torch.float64))


def bowl_loss(model: Bowl, tilts: Tensor) -> Tensor:
    return 0.5 * model.weight.square().sum() + tilts @ model.weight


def tilts(scale: float) -> Tensor:
    drawn = torch.randn(40, 50, generator=stream("tilts"), dtype=torch.float64)
    return scale * (drawn - drawn.mean(0))


def bowl(
    model: nn.Module | None = None,
    noise: float = 0.0,
    localization: float = 10.0,
    **changes: object,
) -> xr.Dataset:
    """Chains of precision 20 with a step of 0.02, good unless `changes` make them bad."""
    data, n_beta = tilts(noise), changes.pop("n_beta", 10.0)
    target = so.Target(bowl_loss, data, n_beta, localization)
    settings = {"batch_size": None, "chains": 4, "burn_in": 30, "draws": 120, "probe_every": 1}
    kernel = changes.pop("kernel", so.SGLD(0.02))
    settings |= {"components": "full", "probes": {"reference": data}} | changes
    return so.sample(model or Bowl(), target, kernel, **settings)


def judged(draws: xr.Dataset) -> xr.Dataset:
    return so.llc(draws, on_failure="leave out").isel(component=0)


def test_good_chains_are_good():
    row = judged(bowl())
    assert (row.verdict, row.reason, row.center_verdict) == (GOOD, "", GOOD)
    assert row.llc.item() == pytest.approx(12.5 / 0.9, rel=0.1)


def test_a_step_that_is_too_long():
    row = judged(bowl(kernel=so.SGLD(0.14)))
    assert row.verdict == REFUSE
    assert row.reason.item().startswith("the chain is too warm (temperature 3.")
    assert "lower step_size to 0.00" in row.reason.item()
    some = judged(bowl(kernel=so.SGLD(0.06)))
    assert some.verdict == CARE
    assert "step and minibatch noise make up to 3" in some.reason.item()


def test_minibatch_noise_that_outweighs_the_injected():
    row = judged(bowl(noise=4.0, batch_size=2, draws=60))
    assert row.verdict == REFUSE
    assert "the chain is too warm" in row.reason.item()
    assert "minibatch noise is " in row.reason.item()
    assert "raise batch_size to " in row.reason.item()


def test_no_burn_in():
    row = judged(bowl(kernel=so.SGLD(0.001), burn_in=0, draws=60))
    assert row.verdict == REFUSE
    assert "the loss still rises" in row.reason.item()
    assert "the chain is too cold" in row.reason.item()
    assert "raise burn_in to 60" in row.reason.item()


def test_too_few_draws():
    row = judged(bowl(draws=6))
    assert row.verdict == REFUSE
    assert row.reason == "too few draws to judge: take at least 8 per chain"
    few = judged(bowl(draws=12, kernel=so.SGLD(0.01)))
    assert few.verdict != GOOD
    assert "50 are asked" in few.reason.item()
    assert "raise draws to " in few.reason.item()


def test_localization_that_is_too_small():
    flat = bowl(n_beta=0.5, localization=0.5, kernel=so.SGLD(0.002))
    row = judged(flat)
    assert row.verdict == REFUSE
    assert "the chain is too cold" in row.reason.item()
    assert "or raise localization" in row.reason.item()


def test_a_center_that_is_no_minimum():
    row = judged(bowl(Bowl(away=1.0)))
    assert row.llc < 0
    assert row.center_verdict == REFUSE
    assert "100 % of the draws have a lower loss than the center" in row.center_reason.item()
    assert "a slope at the center (norm 7.1)" in row.center_reason.item()
    near = judged(bowl(Bowl(away=0.1)))
    assert (near.verdict, near.center_verdict) == (GOOD, CARE)
    assert near.center_reason.item().startswith("the loss has a slope at the center")


def test_chains_that_move_away():
    model = Bowl(away=3.0)
    row = judged(bowl(model, localization=10.0))
    assert row.verdict == REFUSE
    assert "drifted" in row.reason.item()
    some = judged(bowl(Bowl(away=0.8)))
    assert some.verdict == CARE
    assert "the chain moves away, 2." in some.reason.item()
    assert "raise localization to 2" in some.reason.item()


def test_chains_that_accept_too_little():
    row = judged(bowl(kernel=so.MALA(0.16)))
    assert "of the steps are accepted" in row.reason.item()
    assert "lower step_size to 0.08" in row.reason.item()


def test_without_a_probe_a_good_cell_says_what_was_not_judged():
    row = judged(bowl(probes={}))
    assert row.verdict == GOOD
    assert row.reason.item().startswith("not judged (no probe named reference: r_hat_probe, ")
    assert row.center_reason == "not judged (no probe named reference: below_center)"


def test_an_error_that_was_asked_for_and_not_reached():
    draws = bowl(draws="auto", error=0.01, most_draws=80)
    assert draws.attrs["error_reached"] > 0.01
    row = judged(draws)
    assert row.verdict == CARE
    assert "of the estimate, 1 % are asked" in row.reason.item()
    needed = 80 * (draws.attrs["error_reached"] / 0.01) ** 2
    assert f"raise most_draws to {int(np.ceil(needed))}" in row.reason.item()


def row_of(**changes: object) -> dict[str, object]:
    """Diagnostics of a good cell, some of them changed."""
    return component_diagnostics(bowl(draws=8).isel(component=0)) | {
        **dict.fromkeys(("r_hat", "r_hat_probe"), 1.0),
        **{f"{name}{end}": 200.0 for name in ("ess", "ess_bulk", "ess_tail")
           for end in ("", "_probe")},
        **{"relative_mcse": 0.03, "llc": 5.0, "mcse": 0.15, "temperature": 1.0, "step_bias": 0.0},
        **{"temperature_error": 0.01, "trend_z": 0.0, "trend_z_probe": 0.0, "acceptance": 0.6},
        **{"distance_ratio": 0.9, "noise_ratio": 0.1, "absent": "", "center_absent": ""},
        **{"distance_error": 0.01, "gradient_to_noise": 1.0},
    } | changes  # fmt: skip


@pytest.fixture(scope="module")
def good() -> dict[str, object]:
    return row_of()


@pytest.mark.parametrize(
    ("changes", "grade", "words"),
    [
        ({"r_hat_probe": 1.1}, CARE, "not mixed (R-hat 1.10): raise burn_in, draws or"),
        ({"r_hat": 1.3}, REFUSE, "not mixed (R-hat 1.30)"),
        ({"r_hat": np.inf}, REFUSE, "not mixed (R-hat inf)"),
        ({"ess_tail_probe": 40.0}, CARE, "ESS is 40, 50 are asked: raise draws to 125"),
        ({"ess": 5.0}, REFUSE, "ESS is 5, 50 are asked: raise draws to 1000"),
        ({"relative_mcse": 0.2}, CARE, "the error is 20 % of the estimate, 10 % are asked: raise "),
        ({"relative_mcse": np.inf}, CARE, "the estimate is 0 and its error is not: raise draws"),
        ({"trend": -0.2, "trend_z": -5.0}, CARE, "the loss still falls, by 20 % of its mean"),
        ({"trend": 0.6, "trend_z": 5.0}, REFUSE, "the loss still rises, by 60 % of its mean"),
        ({"temperature": 1.3}, CARE, "the chain is too warm (temperature 1.30): lower step_size"),
        ({"temperature": 0.4}, REFUSE, "the chain is too cold (temperature 0.40): it has not"),
        ({"noise_ratio": 2.0}, CARE, "minibatch noise is 2.0 times the injected noise: raise batc"),
        (
            {"step_bias": 0.4, "noise_ratio": 0.0},
            CARE,
            "step and minibatch noise make up to 40 % of the estimate",
        ),
        ({"step_bias": 1.2}, REFUSE, "step and minibatch noise make up to 120 % of the estimate"),
        ({"chains_left": 1}, CARE, "a single chain cannot be compared with others: take 4 chains"),
        (
            {"chains_failed": 1, "failure": "diverged at step 3: lower n_beta"},
            CARE,
            "1 of 5 chains failed (diverged at step 3): lower n_beta",
        ),
        (
            {"chains_failed": 4, "chains_left": 0, "failure": "diverged"},
            REFUSE,
            "4 of 4 chains failed (diverged), no chain is left: lower step_size or raise",
        ),
    ],
)
def test_each_limit(good, changes, grade, words):
    assert verdict(good, SETTINGS).grade == GOOD
    found = verdict(good | changes, SETTINGS)
    assert found.grade == grade
    assert found.text.startswith(words)


@pytest.mark.parametrize(
    "changes",
    [
        {"trend": 0.5, "trend_z": 3.0},
        {"trend": 0.05, "trend_z": 9.0},
        {"temperature": 1.3, "temperature_error": 0.1},
        {"relative_mcse": 4.0, "mcse": 0.01},
        {"step_bias": 0.4, "relative_mcse": 0.09, "llc": 0.01},
        {"r_hat_probe": np.nan},
    ],
)
def test_what_is_chance_or_without_weight_is_good(good, changes):
    assert verdict(good | changes, SETTINGS).grade == GOOD


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({}, GOOD),
        ({"below_center": 0.1}, CARE),
        ({"below_center": 0.6}, REFUSE),
        ({"gradient_effect": 0.3, "gradient_pull": 1.2}, CARE),
        ({"gradient_effect": 1.3, "gradient_pull": 2.5}, REFUSE),
        ({"gradient_effect": 1.3, "gradient_pull": 0.1}, GOOD),
        ({"gradient_effect": 1.3, "gradient_pull": 2.5, "gradient_to_noise": 0.3}, GOOD),
    ],
)
def test_the_center_is_judged_apart(good, changes, grade):
    assert center_verdict(good | changes, SETTINGS).grade == grade
    assert verdict(good | changes, SETTINGS).grade == GOOD


def test_the_worst_comes_first_and_all_are_named(good):
    found = verdict(good | {"r_hat": 1.1, "ess": 5.0, "temperature": 1.3}, SETTINGS)
    assert found.grade == REFUSE
    assert [part.split(" ")[0] for part in found.reason.split("; ")] == ["ESS", "the", "not"]
    assert found.remedy.startswith("raise draws to 1000; lower step_size to 0.0033; raise burn_in")


def test_of_several_numbers_for_one_setting_the_furthest_is_told(good):
    found = verdict(good | {"ess": 25.0, "relative_mcse": 0.2, "mcse": 1.0}, SETTINGS)
    assert found.remedy == "raise draws to 400"
    small = verdict(good | {"relative_mcse": 0.8, "mcse": 0.1}, SETTINGS)
    assert small.remedy == "raise draws to 400"


def test_a_bound_of_a_preconditioned_kernel_is_not_judged(good):
    kernel = {"kernel": "RMSpropSGLD", "decay": 0.9, "offset": 0.1, "adapt": "burn-in"}
    assert verdict(good | {"noise_ratio": 3.0}, SETTINGS | kernel).grade == GOOD
    assert verdict(good | {"noise_ratio": 3.0}, SETTINGS).grade == CARE


def test_advice_without_settings_has_no_numbers(good):
    found = verdict(good | {"ess": 5.0, "temperature": 1.3, "trend": 0.9, "trend_z": 9.0}, {})
    assert found.remedy == "raise draws; raise burn_in; lower step_size"
