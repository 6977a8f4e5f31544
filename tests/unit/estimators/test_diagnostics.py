"""What a diagnostic needs and has not got, it says."""

import numpy as np
import pytest
import torch
import xarray as xr

import somite as so
from somite.estimators.diagnostics import CENTER, SAMPLING, diagnose


def flat_draws(kernel: object = None, probe: bool = True, **changes: object) -> xr.Dataset:
    """A quadratic loss of two weights."""
    model, data = torch.nn.Linear(2, 1, bias=False), torch.zeros(6, 1)
    prior = {
        name: changes.pop(name) for name in ("weight_decay", "bounding_box") if name in changes
    }
    held = changes.pop("localization", 1.0)

    def loss(model: torch.nn.Linear, rows: torch.Tensor) -> torch.Tensor:
        return model.weight.square().sum() + 0 * rows[:, 0]

    target = so.Target(loss, data, 10.0, held, **prior)
    settings = {"components": "full", "chains": 2, "burn_in": 2, "draws": 20, "probe_every": 2}
    settings |= {"probes": {"reference": data} if probe else {}} | changes
    return so.sample(model, target, kernel or so.SGLD(0.01), **settings)


def absent(draws: xr.Dataset) -> str:
    return str(diagnose(draws).absent.item())


def test_nothing_is_absent_from_whole_draws():
    found = diagnose(flat_draws(batch_size=None))
    assert found.absent == found.center_absent == ""
    assert all(np.isfinite(found[name].item()) for name in (*SAMPLING, *CENTER[:1]))
    assert found.sizes == {"component": 1}
    assert found.attrs["kernel"] == "SGLD"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"probe": False}, "no probe named reference: r_hat_probe, ess_probe, "),
        ({"draws": 7}, "fewer than 8 draws per chain: r_hat, ess, "),
        ({"draws": 14}, "fewer than 8 draws per chain: r_hat_probe, "),
        ({"weight_decay": 1.0}, "weight_decay pulls too, which is not recorded: temperature, "),
        ({"bounding_box": 1.0}, "the bounding box pushes too: temperature, temperature_error, "),
        ({"localization": 0.0}, "localization is 0, nothing holds the chain: distance_ratio"),
        ({"chains": 1}, "a single chain: r_hat, r_hat_probe"),
        ({"kernel": so.RMSpropSGLD(1e-3)}, "known for SGLD and BAOAB only, the temperature "),
    ],
)
def test_every_absence_has_its_reason(changes, words):
    draws = flat_draws(**changes)
    assert words in absent(draws)
    found = diagnose(draws).isel(component=0)
    named = {
        part for reason in absent(draws).split("; ") for part in reason.split(": ")[1].split(", ")
    }
    missing = {name for name in SAMPLING if np.isnan(found[name].item())}
    assert missing == named


def test_no_chain_is_left():
    draws = flat_draws()
    lost = np.full(draws.status.shape, "diverged at step 3 (loss inf): lower step_size")
    draws["status"] = (("component", "chain"), lost)
    found = diagnose(draws).isel(component=0)
    assert np.isnan(found.llc)
    assert found.chains_left == 0
    assert found.failure.item().startswith("diverged at step 3")
    assert found.absent.item().startswith("no chain is left: r_hat, ess")
    assert found.center_absent == "no chain is left: gradient_effect, below_center"
    table = so.llc(draws, on_failure="leave out").isel(component=0)
    assert table.verdict == "don't use"
    assert "no chain is left: lower step_size" in table.reason.item()


def test_kernels_of_others_and_draws_without_records():
    draws = flat_draws().assign_attrs(kernel="Mine")
    assert (
        "the kernel is none of ours: noise_ratio, distance_ratio, distance_error, step_bias"
        in absent(draws)
    )
    bare = flat_draws().drop_vars(["share", "size", "center_gradient", "acceptance"])
    assert "the draws hold no share and no size: temperature, temperature_error" in absent(bare)
    assert "no step was tried: acceptance" in absent(bare)
    assert diagnose(bare).center_absent.item().startswith("the draws hold no center_gradient: ")


def test_exact_kernels_have_no_bias():
    found = diagnose(flat_draws(so.MALA(0.01), batch_size=None)).isel(component=0)
    assert found.step_bias == found.noise_ratio == 0
    without_noise = diagnose(flat_draws(so.BAOAB(0.1, 2.0), batch_size=None)).isel(component=0)
    assert without_noise.step_bias == 0


def test_the_worse_error_is_the_error():
    found = diagnose(flat_draws())
    larger = max(found.mcse_minibatch.item(), found.mcse_probe.item())
    assert found.mcse.item() == pytest.approx(larger)
    assert found.relative_mcse.item() == pytest.approx(larger / abs(found.llc.item()))
