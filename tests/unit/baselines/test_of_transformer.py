import numpy as np
import pytest
import torch

from somite.baselines import lesion_matrix, of_transformer, transformer_lesions
from somite.behavior import ablation
from somite.behavior.losses import losses_from_logits
from somite.core.errors import InputError
from somite.models.transformer import head_names
from unit.behavior.circuits import drawn_model, drawn_rows


def test_activations_are_what_heads_write():
    model, rows = drawn_model(), drawn_rows(3)
    found = of_transformer(model, rows)
    output = model.trace(rows).head_output[1][:, 0].detach().numpy()  # (row, position, d_model)
    np.testing.assert_allclose(found.activations.sel(component="1:0"), output.reshape(36, 10))
    assert found.row.values[13] == 1
    assert found.position.values[13] == 1


def test_gradients_are_total_derivatives():
    """Against the change of the loss when a head of the first layer writes a little more."""
    model, rows = drawn_model(), drawn_rows(3)
    gradients = of_transformer(model, rows).gradients.sel(component="0:1").to_numpy()
    output, step = model.trace(rows).head_output[0][:, 1].detach(), 1e-5
    push = torch.zeros_like(output)
    push[2, 4, 3] = step
    up, down = (
        losses_from_logits(model(rows, replace={"0:1": output + s * push}), rows).mean(1).sum()
        for s in (1, -1)
    )
    slope = ((up - down) / (2 * step)).item()
    assert gradients.reshape(3, 12, 10)[2, 4, 3] == pytest.approx(slope, rel=1e-6)


def test_attributions_are_sums_over_the_row():
    found = of_transformer(drawn_model(), drawn_rows(4))
    each = (found.activations * found.gradients).sum("feature")
    expected = each.to_numpy().reshape(6, 4, 12).sum(-1)
    np.testing.assert_allclose(found.attributions, expected)
    assert found.attributions.dims == ("component", "example")


def test_a_frozen_model_is_read_and_left_as_it_was():
    model, rows = drawn_model(), drawn_rows(3)
    before = of_transformer(model, rows)
    model.requires_grad_(False)
    with torch.no_grad():
        np.testing.assert_array_equal(before.gradients, of_transformer(model, rows).gradients)
    assert not any(w.requires_grad or w.grad is not None for w in model.parameters())


def test_lesions_of_one_head_are_its_ablation():
    model, rows = drawn_model(), drawn_rows(5)
    names = list(head_names(model.config))
    found = lesion_matrix(transformer_lesions(model, {"text": rows}), names)
    expected = ablation(model, {"text": rows}, seed=0, methods=["mean"]).sel({"method": "mean"})
    for name in ("loss_change", "standard_error"):
        np.testing.assert_allclose(
            found[name].sel(domain="text"), expected[name].sel(domain="text"), atol=1e-12
        )


def test_heads_put_to_zero_write_nothing():
    model, rows = drawn_model(), drawn_rows(5)
    found = transformer_lesions(model, {"text": rows}, "zero")(["0:0", "2:1"])["text"]
    for layer, head in ((0, 0), (2, 1)):
        model.block(layer).attn.W_O.data[head] = 0
    expected = losses_from_logits(model(rows), rows).mean(1).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_bad_input_is_named():
    model, rows = drawn_model(), drawn_rows(3)
    with pytest.raises(InputError, match="rows must be at least 1, got 0"):
        of_transformer(model, rows[:0])
    with pytest.raises(InputError, match="rows_by_domain must name at least one domain"):
        transformer_lesions(model, {})
    with pytest.raises(InputError, match="stand_in must be a known name, got 'none'"):
        transformer_lesions(model, {"text": rows}, "none")
    with pytest.raises(InputError, match="components must be a known name, got '9:9'"):
        transformer_lesions(model, {"text": rows})(["9:9"])
