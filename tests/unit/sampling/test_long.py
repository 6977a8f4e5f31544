"""Long components, stepped span by span: the same draws, and few copies of the weights."""

import importlib

import numpy as np
import pytest
import torch
import xarray as xr
from torch import Tensor, nn

import somite as so
from somite.models import Transformer, TransformerConfig
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.bowl import Bowl, sample_bowl, tilts
from unit.sampling.live import Live

SPANS = importlib.import_module("somite.components.spans")
KERNELS = {
    "SGLD": so.SGLD(2e-3),
    "BAOAB": so.BAOAB(0.05, 20.0),
    "RMSpropSGLD": so.RMSpropSGLD(2e-4),
    "AdamSGLD": so.AdamSGLD(2e-4),
    "SGNHT": so.SGNHT(0.05, 20.0),
}
ROUNDED = ("distance", "share", "drift_square", "draw_noise", "noise_curvature")


def run(kernel: object, components: object = "full", **changes: object) -> xr.Dataset:
    """Draws of all weights of a tiny transformer."""
    prior = {"n_beta": 30, "localization": 20, **changes.pop("prior", {})}
    target = so.Target(so.next_token_loss, tiny_rows(), **prior)
    plan = {"batch_size": 4, "chains": 2, "burn_in": 3, "draws": 6, "probe_every": 2, **changes}
    probes = {"reference": tiny_rows(5)}
    model = tiny_transformer()
    return so.sample(model, target, kernel, components=components, probes=probes, **plan)


def assert_same(long: xr.Dataset, short: xr.Dataset) -> None:
    for name in ("center_loss", "probe_loss", "status", "failed_at", "size"):
        np.testing.assert_array_equal(long[name], short[name])
    # A tilted loss holds a sum over the weights.
    np.testing.assert_allclose(
        long.loss, short.loss, rtol=1e-12 * short.attrs["control_variates"], atol=0
    )
    for name in (*ROUNDED, "center_gradient", "gradient_noise"):
        np.testing.assert_allclose(long[name], short[name], rtol=1e-7)


@pytest.mark.parametrize("name", KERNELS)
def test_draws_are_those_of_one_span(name, monkeypatch):
    short = run(KERNELS[name])
    monkeypatch.setattr(SPANS, "LENGTH", 64)
    assert_same(run(KERNELS[name]), short)


@pytest.mark.parametrize(
    "changes",
    [
        {"prior": {"weight_decay": 0.3, "bounding_box": 0.05}},
        {"control_variates": True},
        {"accumulate": 3},
        {"batch_size": None},
        {"components": "layers"},
    ],
    ids=str,
)
def test_they_are_with_every_setting(changes, monkeypatch):
    short = run(so.SGLD(2e-3), **changes)
    monkeypatch.setattr(SPANS, "LENGTH", 64)
    assert_same(run(so.SGLD(2e-3), **changes), short)


def test_an_automatic_number_of_draws_goes_on_where_it_stopped(monkeypatch):
    monkeypatch.setattr(SPANS, "LENGTH", 64)
    auto = run(so.BAOAB(0.05, 20.0), draws="auto", error=1e-6, most_draws=66, chains=1)
    fixed = run(so.BAOAB(0.05, 20.0), draws=66, chains=1)
    np.testing.assert_array_equal(auto.loss, fixed.loss)


class Well(nn.Module):
    """Flat at the bottom, and so steep outside that some chains leave it for good."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(40, dtype=torch.float64))


def sample_well() -> xr.Dataset:
    def loss(model: Well, rows: Tensor) -> Tensor:
        return model.weight.square().sum() ** 2 + 0 * rows

    target = so.Target(loss, torch.zeros(4), n_beta=10, localization=1)
    plan = {"components": "full", "chains": 6, "burn_in": 0, "draws": 12}
    return so.sample(Well(), target, so.SGLD(0.04), **plan)


def test_a_chain_that_fails_fails_at_the_same_step(monkeypatch):
    short = sample_well()
    assert 0 < int((short.failed_at >= 0).sum()) < 6
    monkeypatch.setattr(SPANS, "LENGTH", 16)
    long = sample_well()
    for name in ("failed_at", "status", "loss"):
        np.testing.assert_array_equal(long[name], short[name])


@pytest.mark.parametrize("corrected", [False, True])
def test_a_step_that_is_tried_is_the_same_step(corrected, monkeypatch):
    curvatures = (1.0, 2.0, 4.0, 8.0) * 20
    given = {"data": tilts(scale=0.2, d=80), "batch_size": 4, "control_variates": corrected}
    short = sample_bowl(so.SGLD(0.01), model=Bowl(curvatures), burn_in=20, **given)
    monkeypatch.setattr(SPANS, "LENGTH", 32)  # of equal blocks of noise
    long = sample_bowl(so.SGLD(0.01), model=Bowl(curvatures), burn_in=20, **given)
    assert 0.3 < float(short.acceptance.mean()) < 0.99
    np.testing.assert_allclose(long.acceptance, short.acceptance, rtol=1e-9)
    np.testing.assert_allclose(long.noise_curvature, short.noise_curvature, 1e-9, 1e-20)


@pytest.mark.parametrize(
    ("kernel", "carried"),
    [(so.SGLD(1e-6), 0), (so.BAOAB(1e-3, 20.0), 1), (so.RMSpropSGLD(1e-7), 1)],
    ids=lambda value: type(value).__name__,
)
def test_a_chain_of_the_full_model_holds_three_copies_of_the_weights(kernel, carried, monkeypatch):
    config = {"n_layers": 3, "d_model": 48, "n_heads": 3, "d_head": 16, "d_mlp": 192}
    model = Transformer(TransformerConfig(vocab_size=40, context=6, **config)).eval()
    rows = torch.randint(40, (8, 6), generator=torch.Generator().manual_seed(0))
    weights = sum(weight.nbytes for weight in model.parameters())
    with Live(model.parameters()) as forward:
        so.next_token_loss(model, rows[:2]).mean()
    monkeypatch.setattr(SPANS, "LENGTH", 2**10)
    target = so.Target(so.next_token_loss, rows, n_beta=10.0, localization=10.0)
    plan = {"batch_size": 2, "chains": 1, "burn_in": 1, "draws": 1, "probe_every": 1}
    with Live(model.parameters()) as chain:
        so.sample(model, target, kernel, components="full", **plan)
    assert forward.most < 0.5 * weights
    assert 2 < (chain.most - forward.most) / weights < 3.05 + carried
