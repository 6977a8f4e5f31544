"""Hidden neurons as components: which weights are theirs, and that a group is a whole function."""

import pytest
import torch

from somite import components
from somite.components.unions import check_disjoint
from somite.core.errors import InputError
from unit.models.tiny import tiny_transformer

MODEL = tiny_transformer(d_mlp=6)


def test_a_neuron_is_its_row_its_bias_and_its_column():
    masks = components(MODEL, "neurons:1")
    assert list(masks) == [f"1:neuron{i}" for i in range(6)]
    entries = masks["1:neuron2"].entries
    assert entries["blocks.1.mlp.up.weight"].nonzero()[:, 0].unique().tolist() == [2]
    assert entries["blocks.1.mlp.up.bias"].nonzero().flatten().tolist() == [2]
    assert entries["blocks.1.mlp.down.weight"].nonzero()[:, 1].unique().tolist() == [2]
    assert masks["1:neuron2"].size == 2 * MODEL.config.d_model + 1


@pytest.mark.parametrize(("count", "sizes"), [(1, [6]), (2, [3, 3]), (4, [2, 1, 2, 1])])
def test_groups_hold_every_neuron_once(count, sizes):
    masks = components(MODEL, f"neuron_groups:{count}")
    assert list(masks) == [f"{i}:neurons{g}" for i in range(2) for g in range(count)]
    each = 2 * MODEL.config.d_model + 1
    assert [mask.size for mask in masks.values()] == 2 * [each * n for n in sizes]
    check_disjoint(masks)


@torch.no_grad()
def test_a_group_of_zeros_takes_what_its_neurons_write_and_nothing_else():
    model = tiny_transformer(d_mlp=6)
    mlp = model.block(0).mlp
    x = torch.randn(5, model.config.d_model, dtype=mlp.up.weight.dtype)
    hidden = torch.nn.functional.gelu(mlp.up(x))
    written = hidden[:, 3:] @ mlp.down.weight[:, 3:].T
    whole = mlp(x)
    for name, chosen in components(model, "neuron_groups:2")["0:neurons1"].entries.items():
        dict(model.named_parameters())[name].masked_fill_(chosen, 0.0)
    torch.testing.assert_close(mlp(x), whole - written)


def test_several_kinds_are_joined_by_commas():
    masks = components(MODEL, "heads, neuron_groups:2,0:mlp")
    assert len(masks) == 6 + 4 + 1
    assert list(masks)[-2:] == ["1:neurons1", "0:mlp"]
    with pytest.raises(InputError, match=r"components must name something, got ' ,'\. Name a kind"):
        components(MODEL, " ,")


@pytest.mark.parametrize("which", ["neuron_groups", "neuron_groups:0", "neuron_groups:7"])
def test_a_number_of_groups_that_cannot_be(which):
    words = "components must name 1 to 6 groups of neurons, got .* Write neuron_groups:4 for four"
    with pytest.raises(InputError, match=words):
        components(MODEL, which)


@pytest.mark.parametrize("model", [tiny_transformer(), torch.nn.Linear(2, 2)])
def test_a_model_without_known_neurons(model):
    with pytest.raises(InputError, match=r"must be of a model whose MLPs are known.* Set d_mlp"):
        components(model, "neuron_groups:2")
