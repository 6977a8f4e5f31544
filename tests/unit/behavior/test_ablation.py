import numpy as np
import pytest
import torch
import xarray as xr

from somite.behavior import rows as rows_module
from somite.behavior.ablation import ablation, mean_ablation_changes, mean_outputs
from somite.behavior.derangement import derangement
from somite.behavior.losses import losses_from_logits
from somite.behavior.repeated_rows import repeated_rows
from somite.behavior.replacement import loss_changes
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models.transformer import head_names
from unit.behavior.circuits import drawn_model, drawn_rows, induction_circuit

VARIANTS = [{}, {"d_mlp": 0, "bias": False}, {"positions": "rotary", "norm": "rms"}]


@pytest.mark.parametrize("settings", VARIANTS)
def test_running_from_the_middle_equals_the_full_model(settings):
    model, rows = drawn_model(**settings), drawn_rows()
    stand_ins = model.trace(drawn_rows(seed=1)).head_output
    changes = loss_changes(model, rows, stand_ins)
    clean = losses_from_logits(model(rows), rows)
    for place, name in enumerate(head_names(model.config)):
        layer, head = divmod(place, model.config.n_heads)
        ablated = losses_from_logits(model(rows, replace={name: stand_ins[layer][:, head]}), rows)
        torch.testing.assert_close(changes[place], ablated - clean, rtol=0, atol=1e-12)
        assert changes[place].abs().max() > 1e-6


def test_a_head_replaced_by_its_own_output_changes_nothing():
    model, rows = drawn_model().float(), drawn_rows()
    assert (loss_changes(model, rows, model.trace(rows).head_output) == 0).all()


def test_mean_outputs_are_means_over_rows(monkeypatch):
    model, rows = drawn_model(), drawn_rows()
    monkeypatch.setattr(rows_module, "CHUNK_ELEMENTS", 1)
    for mean, output in zip(mean_outputs(model, rows), model.trace(rows).head_output, strict=True):
        torch.testing.assert_close(mean, output.mean(0))


def test_mean_ablation_equals_the_full_model_with_means():
    model, rows = drawn_model(), drawn_rows()
    found = ablation(model, {"text": rows}, seed=0, methods=["mean"])
    clean = losses_from_logits(model(rows), rows).mean(1)
    mean = mean_outputs(model, rows)[1][1]
    paired = losses_from_logits(model(rows, replace={"1:1": mean}), rows).mean(1) - clean
    cell = found.sel({"method": "mean", "domain": "text", "component": "1:1"})
    assert cell["loss_change"].item() == pytest.approx(paired.mean().item(), abs=1e-12)
    assert cell["standard_error"].item() == pytest.approx(paired.std().item() / 6**0.5, abs=1e-12)


def test_resample_ablation_equals_the_full_model_with_the_partners_output():
    model, rows = drawn_model(), drawn_rows()
    found = ablation(model, {"text": rows}, seed=5, methods=["resample"])
    partner = rows[derangement(6, stream(5, "resample", "text"))]
    other = model.trace(partner).head_output[0][:, 0]
    clean = losses_from_logits(model(rows), rows)
    ablated = losses_from_logits(model(rows, replace={"0:0": other}), rows)
    cell = found["loss_change"].sel({"method": "resample", "component": "0:0"})
    assert cell.item() == pytest.approx((ablated - clean).mean().item(), abs=1e-12)


def test_a_head_that_writes_nothing_has_exactly_no_effect():
    model, rows = drawn_model().float(), drawn_rows()
    model.block(0).attn.W_O.data[1] = 0
    found = ablation(model, {"text": rows}, seed=0).sel(component="0:1")
    assert (found["loss_change"] == 0).all()
    assert (found["standard_error"] == 0).all()


def test_chunks_do_not_matter(monkeypatch):
    model, rows = drawn_model(), drawn_rows(number=5)
    whole = ablation(model, {"text": rows}, seed=1)
    monkeypatch.setattr(rows_module, "CHUNK_ELEMENTS", 1)
    xr.testing.assert_allclose(ablation(model, {"text": rows}, seed=1), whole, rtol=1e-9)


def test_table_has_every_method_domain_and_head():
    rows = {"a": drawn_rows(), "b": drawn_rows(number=3, length=8, seed=1)}
    found = ablation(drawn_model(), rows, seed=0)
    assert found["loss_change"].dims == ("method", "domain", "component")
    assert list(found.method.values) == ["mean", "resample"]
    assert list(found.domain.values) == ["a", "b"]
    alone = ablation(drawn_model(), {"b": rows["b"]}, seed=0).sel(domain="b")
    xr.testing.assert_allclose(found.sel(domain="b"), alone)


def test_equal_rows_lose_nothing():
    """Every row is its own partner in all but name, and its own mean."""
    rows = drawn_rows(number=1).expand(4, -1)
    found = ablation(drawn_model(), {"text": rows}, seed=0)
    np.testing.assert_allclose(found["loss_change"], 0, atol=1e-12)


def test_ablating_either_half_of_the_circuit_breaks_its_copying():
    model = induction_circuit()
    token = torch.arange(12)
    model.block(1).attn.W_V.data[0, token, token] = 1.0
    model.block(1).attn.W_O.data[0, token, token + 12] = 1.0  # positions never enter the stream
    model.unembed.data[token + 12, token] = 0.5
    rows = {"repeats": repeated_rows(model.config, 8, period=4, seed=0)}
    found = ablation(model, rows, seed=0)["loss_change"].sel(domain="repeats")
    assert (found.sel(component=["0:0", "1:0"]) > 0.1).all()
    assert (found.sel(component=["0:1", "1:1"]) == 0).all()


@pytest.mark.parametrize("number", [2, 3, 10, 101])
def test_derangements_move_everything(number):
    partner = derangement(number, stream(number, "derangement"))
    assert (partner != torch.arange(number)).all()
    assert partner.sort().values.equal(torch.arange(number))


def test_derangement_of_one_is_refused():
    with pytest.raises(InputError, match="number must be a whole number of at least 2, got 1"):
        derangement(1, stream(0))


def test_changes_need_no_gradient():
    assert not mean_ablation_changes(drawn_model(), drawn_rows()).requires_grad


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (["zero"], "methods must be a known name, got 'zero'"),
        ([], r"methods must name at least one method, each once, got \[\]"),
        (["mean", "mean"], "methods must name at least one method, each once"),
    ],
)
def test_bad_methods_are_named(methods, message):
    with pytest.raises(InputError, match=message):
        ablation(drawn_model(), {"text": drawn_rows()}, seed=0, methods=methods)


def test_no_domain_and_one_row_are_named():
    with pytest.raises(InputError, match="rows_by_domain must name at least one domain"):
        ablation(drawn_model(), {}, seed=0)
    for method in ("mean", "resample"):
        with pytest.raises(InputError, match="rows must be at least 2, got 1"):
            ablation(drawn_model(), {"text": drawn_rows(number=1)}, seed=0, methods=[method])
