import pytest
import torch
from torch import nn

from somite import Mask, components
from somite.components.mask import whole
from somite.components.select import units
from somite.core.errors import InputError
from unit.models.tiny import tiny_transformer

MODEL = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))


@pytest.mark.parametrize(
    ("which", "sizes"),
    [
        ("full", {"full": 11}),
        ("0.weight", {"0.weight": 6}),
        ("*.bias", {"*.bias": 3}),
        ("1.*", {"1.*": 3}),
    ],
)
def test_any_module_by_name_or_pattern(which, sizes):
    assert {name: mask.size for name, mask in components(MODEL, which).items()} == sizes


def test_declared_kinds_and_names():
    model = tiny_transformer(d_mlp=5)
    assert list(components(model, "heads")) == ["0:0", "0:1", "0:2", "1:0", "1:1", "1:2"]
    assert components(model, "1:2")["1:2"].size == 4 * 4 * 8
    assert list(components(model, "mlps")) == ["0:mlp", "1:mlp"]
    assert list(components(model, "embed")["embed"].entries) == ["embed", "positions"]
    assert components(model, "full")["full"].size == sum(p.numel() for p in model.parameters())


def test_masks_of_ones_own_pass_through():
    mask = Mask({"1.bias": whole(MODEL[1].bias)})
    assert components(MODEL, {"mine": mask}) == {"mine": mask}


def test_units_are_the_slices_of_heads():
    assert units(MODEL) == frozenset()
    assert "blocks.1.attn.W_Q" in units(tiny_transformer())
    assert "blocks.1.attn.b_Q" in units(tiny_transformer(bias=True))
    assert "blocks.1.attn.b_O" not in units(tiny_transformer(bias=True))


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("hedas", "must select at least one weight, got 'hedas'. Did you mean 'heads'"),
        ("2:0", "must select at least one weight, got '2:0'. Did you mean"),
        ("*.W_X", r"must select at least one weight, got '\*.W_X'"),
        ({}, "components must select at least one weight, got {}. Name at least one"),
        (
            {"mine": Mask({"embde": torch.ones(7, 8, dtype=torch.bool)})},
            "component mine must name weights of the model, got 'embde'. Did you mean 'embed'",
        ),
        (
            {"mine": Mask({"embed": torch.ones(8, 7, dtype=torch.bool)})},
            r"component mine must have the shape \(7, 8\) of embed, got \(8, 7\)",
        ),
    ],
)
def test_what_selects_nothing_or_does_not_fit_is_refused(which, words):
    with pytest.raises(InputError, match=words):
        components(tiny_transformer(), which)
