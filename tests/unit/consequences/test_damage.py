import numpy as np
import pytest
import torch

from somite.components import components
from somite.consequences import DISTORTIONS, critical_levels, damage
from somite.consequences.distortions import Distortion, quantized
from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import MLP, next_token_loss, squared_error_loss
from unit.models.tiny import tiny_rows, tiny_transformer

CHOSEN = {name: DISTORTIONS[name] for name in ("quantization", "noise")}


def planted(rank, width=16):
    """A linear map of a rank, all singular values 1, with inputs that excite all directions."""
    model = MLP([width, width], "relu")
    generator = stream("planted map")
    turn = [torch.linalg.qr(torch.randn(width, width, generator=generator))[0] for _ in range(2)]
    with torch.no_grad():
        model.layer(0).weight.copy_(turn[0][:, :rank] @ turn[1][:rank])
    x = torch.randn(64, width, generator=generator)
    with torch.no_grad():
        return model, (x, model(x))


@pytest.mark.parametrize("rank", [4, 8, 12])
def test_a_planted_rank_is_the_critical_one(rank):
    model, data = planted(rank)
    levels = tuple(np.arange(1, 17) / 16)
    by_rank = Distortion("ranks", "", levels, 1, False, DISTORTIONS["low_rank"].change)
    found = damage(model, squared_error_loss, data, "full", {"ranks": by_rank})
    critical = critical_levels(found, 1e-3, distortions={"ranks": by_rank}).ranks.item() * 16
    # Interpolated between the rank before it, which costs much, and the rank itself, none.
    assert rank - 1 < critical <= rank


def test_the_right_weights_are_changed_and_the_model_is_left_alone():
    model, tokens = tiny_transformer(), tiny_rows()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    found = damage(model, next_token_loss, tokens, "heads", CHOSEN)
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight, before[name], rtol=0, atol=0)
    # By hand: the head 1:0 rounded to 2 bits with the third range.
    bits, variant = 2, 2
    reach = found.sizes["quantization_variant"]
    assert reach == CHOSEN["quantization"].variants
    attn = model.block(1).attn
    with torch.no_grad():
        clean = next_token_loss(model, tokens).mean(1)
        for weight in attn.weights().values():
            weight[0] = quantized(weight[0], bits, 0.45 * float(weight[0].abs().max()))
        by_hand = next_token_loss(model, tokens).mean(1) - clean
    one = found.quantization.sel(component="1:0", quantization_level=bits)
    np.testing.assert_allclose(one.isel(quantization_variant=variant), by_hand, atol=1e-5)


def test_a_wrong_component_would_be_seen():
    """The check above can fail: another head gives other numbers."""
    found = damage(tiny_transformer(), next_token_loss, tiny_rows(), "heads", CHOSEN)
    one = found.quantization.sel(quantization_level=2).isel(quantization_variant=2)
    assert np.abs(one.sel(component="1:0") - one.sel(component="1:1")).max() > 1e-4


def test_noise_has_the_same_direction_at_every_level():
    """Small noise costs by its slope and curvature: twice the size, two to four times the rise."""
    found = damage(tiny_transformer(), next_token_loss, tiny_rows(), "1:0", CHOSEN).noise
    sizes = [found.sel(noise_level=level).isel(component=0) for level in (0.03125, 0.0625)]
    ratio = np.abs(sizes[1]).mean() / np.abs(sizes[0]).mean()
    assert 1.5 < float(ratio) < 4.5


def test_vectors_stay_as_they_are():
    model = MLP([3, 4, 1], "relu")
    x = torch.randn(8, 3, generator=stream("x"))
    biases = components(model, "*.bias")
    found = damage(model, squared_error_loss, (x, x[:, :1]), biases, CHOSEN)
    assert not found.quantization.any()
    assert not found.noise.any()


def test_unknown_components_are_named():
    with pytest.raises(InputError, match="hedas"):
        damage(tiny_transformer(), next_token_loss, tiny_rows(), "hedas", CHOSEN)
