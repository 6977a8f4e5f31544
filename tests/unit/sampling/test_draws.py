import arviz_stats
import numpy as np
import pytest
import torch
import xarray as xr
from arviz_stats.base import array_stats
from torch import nn

import somite as so
from somite.sampling.settings import ChainSettings
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.runs import HEADS, sample_tiny


def test_draws_are_labelled():
    draws = sample_tiny(probes={"few": tiny_rows(3), "more": tiny_rows(5)}, draws=5)
    sizes = {"component": 6, "chain": 2, "draw": 5, "probe": 2, "probe_draw": 3}
    assert dict(draws.sizes) == sizes
    assert tuple(draws.component.values) == HEADS
    for name in ("loss", "center_loss", "distance", "share", "drift_square"):
        assert draws[name].dims == ("component", "chain", "draw")
        assert draws[name].dtype == np.float64
    assert draws.probe_loss.dims == ("probe", "component", "chain", "probe_draw")
    for name in ("acceptance", "status", "failed_at"):
        assert draws[name].dims == ("component", "chain")
    for name in ("center_gradient", "gradient_noise", "size"):
        assert draws[name].dims == ("component",)
    assert draws.attrs["n_beta"] == 30
    assert draws.attrs["step_size"] == 5e-3
    assert draws.attrs["kernel"] == "SGLD"
    assert draws.attrs["batch_size"] == 4
    assert {"weight_decay", "draws", "seed", "control_variates"} <= set(draws.attrs)
    assert not {"bounding_box", "n", "error_reached"} & set(draws.attrs)


def test_draws_without_probes_are_whole():
    draws = sample_tiny()
    assert draws.probe_loss.shape == (0, 6, 2, 2)
    assert np.isnan(so.llc(draws).ess_probe).all()


def test_probe_losses_are_those_of_the_draw():
    # With all rows as the minibatch's only row, a probe of that row sees what the chain sees.
    row = tiny_rows(1)
    target = so.Target(so.next_token_loss, row, n_beta=30, localization=20)
    draws = so.sample(
        tiny_transformer(), target, so.SGLD(5e-3), components="0:0", probes={"same": row},
        chains=1, burn_in=3, draws=7, probe_every=3, batch_size=1,
    )  # fmt: skip
    np.testing.assert_allclose(draws.probe_loss[0, 0, 0], draws.loss[0, 0, ::3], rtol=1e-9)


@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_draws_survive_zarr(tmp_path):
    draws = sample_tiny(probes={"few": tiny_rows(3)})
    draws.to_zarr(tmp_path / "draws.zarr", zarr_format=3, consolidated=False)
    loaded = xr.open_zarr(tmp_path / "draws.zarr", consolidated=False).load()
    xr.testing.assert_equal(loaded, draws)
    xr.testing.assert_identical(so.llc(loaded), so.llc(draws))


def test_draws_open_in_arviz_stats_without_conversion():
    draws = sample_tiny(draws=20)
    found = xr.apply_ufunc(
        lambda x: array_stats.ess(x, chain_axis=-2, draw_axis=-1, method="mean"),
        draws.loss,
        input_core_dims=[["chain", "draw"]],
    )
    np.testing.assert_allclose(found, so.llc(draws).ess)


def test_the_xarray_functions_of_arviz_stats_take_draws():
    pytest.importorskip("arviz_base", reason="arviz-stats[xarray] is not installed")
    draws = sample_tiny(draws=20)
    table = so.llc(draws)
    np.testing.assert_allclose(arviz_stats.ess(draws.loss, method="mean"), table.ess)
    np.testing.assert_allclose(30 * arviz_stats.mcse(draws.loss), table.mcse)
    np.testing.assert_allclose(arviz_stats.rhat(draws[["loss"]]).loss, table.r_hat)


@pytest.mark.parametrize("thin", [1, 2, 3])
def test_steps_end_with_the_last_draw(thin):
    plan = ChainSettings(burn_in=4, draws=5, thin=thin, probe_every=2)
    kept = [plan.draw_at(step) for step in range(plan.steps(5))]
    assert [draw for draw in kept if draw is not None] == [0, 1, 2, 3, 4]
    assert kept[:5] == [None] * 4 + [0]
    assert kept[-1] == 4
    assert plan.probe_draws(5) == 3


def test_thinning_keeps_every_other_draw():
    every, thinned = sample_tiny(draws=7), sample_tiny(draws=4, thin=2)
    np.testing.assert_array_equal(thinned.loss, every.loss[..., ::2])


def test_progress_reaches_the_total():
    seen = []
    sample_tiny(progress=lambda done, total: seen.append((done, total)))
    total = 6 * 2 * 6  # components, chains, steps
    assert seen[-1] == (total, total)
    assert [done for done, _ in seen] == list(range(6, total + 1, 6))


@pytest.mark.parametrize("form", ["tuple", "dict"])
def test_data_may_be_a_tuple_or_a_dict(form):
    x = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Linear(2, 1)

    def loss(model: nn.Module, batch: object) -> torch.Tensor:
        inputs, wanted = batch if form == "tuple" else (batch["x"], batch["y"])
        return (model(inputs)[:, 0] - wanted).square()

    data = (x, x.sum(1)) if form == "tuple" else {"x": x, "y": x.sum(1)}
    settings = {"components": "full", "chains": 1, "draws": 10}
    draws = so.sample(model, so.Target(loss, data, 5, 5), so.SGLD(1e-2), **settings)
    plain = so.Target(lambda m, b: (m(b)[:, 0] - b.sum(1)).square(), x, 5, 5)
    again = so.sample(model, plain, so.SGLD(1e-2), **settings)
    np.testing.assert_allclose(draws.loss, again.loss, rtol=1e-5)
