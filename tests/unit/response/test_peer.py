"""The same draws through the published functions of devinterp 2.0.1 give the same numbers."""

import warnings

import numpy as np
import pytest
import xarray as xr

import somite as so
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.runs import sample_tiny

susceptibilities = pytest.importorskip(
    "devinterp.slt.susceptibilities", reason="the extra `bench` is not installed"
)
bif = pytest.importorskip("devinterp.slt.bif", reason="the extra `bench` is not installed")

PROBES = {"reference": tiny_rows(5, seed=5), "code": tiny_rows(3, seed=4)}
LEVELS = dict.fromkeys(PROBES, "token")
CENTER = 1.5
"""Any loss at the center: theirs are no differences, and it cancels."""


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """Draws with the losses of all tokens, two heads and the whole model."""
    path = tmp_path_factory.mktemp("records") / "store"
    model = tiny_transformer()
    names = {**so.components(model, "heads"), **so.components(model, "full")}
    chosen = {name: names[name] for name in ("0:0", "1:1", "full")}
    draws = sample_tiny(
        model, components=chosen, probes=PROBES, record=so.Record(path, LEVELS),
        draws=12, probe_every=1,
    )  # fmt: skip
    return draws, {name: so.recorded(path, name).loss.astype(np.float64) for name in PROBES}


def exported(losses: dict[str, xr.DataArray], component: str) -> xr.DataTree:
    """Losses of one component in the form that devinterp stores."""
    columns = {}
    for name, values in losses.items():
        batch = f"batch_{name}"
        one = values.sel(component=component).values + CENTER
        columns[f"loss_{name}"] = (("chain", "draw", batch, "token_pos"), one)
        columns[f"input_ids_{name}"] = ((batch, "token"), PROBES[name].numpy())
    tokens = losses["reference"].sizes["token"]
    columns["init_loss"] = (("chain", "token_pos"), np.full((2, tokens), CENTER))
    return xr.DataTree(dataset=xr.Dataset(columns))


def test_susceptibilities(taken):
    draws, losses = taken
    trees = {name: exported(losses, name) for name in ("0:0", "1:1", "full")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = susceptibilities.compute_susceptibilities(trees, "reference")["susceptibilities"]
    assert peer.wr.values.tolist() == ["0:0", "1:1"]
    found = so.susceptibility(draws, losses["code"], estimator="full").susceptibility
    ours = found.sel(component=["0:0", "1:1"]).values.reshape(2, -1)
    # the reference of the draws is the mean of a probe in double precision, theirs of the stored
    np.testing.assert_allclose(ours.T, peer.sus.values, rtol=1e-5, atol=1e-5 * abs(ours).max())


@pytest.mark.parametrize("covariance", [True, False])
@pytest.mark.parametrize("method", ["token", "sequence"])
def test_influences(taken, method, covariance):
    _, losses = taken
    tree = exported(losses, "full")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = bif.compute_bif(
            tree, loss_keys=["code"], correlation_method=method, compute_covariance=covariance,
            device="cpu",
        ).influences.values  # fmt: skip
    mine = losses["code"] if method == "token" else losses["code"].mean("token")
    found = so.influence(mine, dense=True).sel(component="full")
    if method == "token":  # (query, query_token, example, token)
        peer = peer.transpose(0, 2, 1, 3)
    ours = -found.influence if covariance else found.correlation
    np.testing.assert_allclose(ours, peer, rtol=1e-5, atol=1e-5 * abs(ours.values).max())
