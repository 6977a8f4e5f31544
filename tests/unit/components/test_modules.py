import pytest
import torch
from torch import nn

import somite as so
from somite.core.errors import InputError

NET = nn.Sequential(
    nn.Conv2d(1, 3, 2), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 1, bias=False), nn.Flatten(),
    nn.Linear(8, 2),
)  # fmt: skip


def sizes(model: nn.Module, which: str) -> dict[str, int]:
    return {name: mask.size for name, mask in so.components(model, which).items()}


def test_layers_of_any_module_are_those_with_weights_of_their_own():
    assert sizes(NET, "layers") == {"0": 15, "1": 6, "3": 6, "5": 18}
    nested = nn.Sequential(nn.Sequential(nn.Linear(1, 1)), nn.ReLU())
    nested.scale = nn.Parameter(torch.ones(2))
    assert sizes(nested, "layers") == {"own": 2, "0.0": 2}


def test_modules_of_a_type():
    assert sizes(NET, "type:Conv2d") == {"0": 15, "3": 6}
    assert sizes(nn.Sequential(NET, NET[5]), "type:Linear") == {"0.5": 18}


def test_channels_of_convolutions_and_rows_of_linear_maps():
    assert sizes(NET, "channels:0") == {"0:0": 5, "0:1": 5, "0:2": 5}
    assert sizes(NET, "channels:0/2") == {"0:0-1": 10, "0:2": 5}
    assert sizes(NET, "channels:3") == {"3:0": 3, "3:1": 3}
    assert sizes(NET, "channels:5") == {"5:0": 9, "5:1": 9}
    turned = nn.Sequential(nn.ConvTranspose2d(2, 3, 2))
    assert sizes(turned, "channels:0") == {"0:0": 9, "0:1": 9, "0:2": 9}


@pytest.mark.parametrize(
    "build", [lambda: NET[:2], lambda: nn.Sequential(nn.ConvTranspose2d(1, 3, 2))]
)
def test_a_channel_is_what_its_output_depends_on(build):
    model, image = (
        build().eval(),
        torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(0)),
    )
    before = model(image)
    for number, mask in enumerate(so.components(model, "channels:0").values()):
        moved = {n: w.detach().clone() for n, w in model.named_parameters()}
        for name, chosen in mask.entries.items():
            moved[name][chosen] += 1.0
        changed = (torch.func.functional_call(model, moved, image) != before).flatten(2).any(-1)
        assert changed[0].tolist() == [i == number for i in range(3)]


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_gates_hold_every_weight_once(kind, gates):
    model = nn.ModuleDict({"rnn": kind(2, 3, num_layers=2, bidirectional=True)})
    masks = so.components(model, "gates:rnn")
    assert len(masks) == 2 * 2 * gates
    assert sum(mask.size for mask in masks.values()) == sum(w.numel() for w in model.parameters())
    so.pairs(masks)  # disjoint
    assert list(masks)[:gates] == [f"rnn.l0:{gate}" for gate in {
        4: ("input", "forget", "cell", "output"), 3: ("reset", "update", "new"),
    }[gates]]  # fmt: skip


def test_the_output_gate_is_the_one_that_closes_the_output():
    model = nn.ModuleDict({"rnn": nn.LSTM(2, 3)})
    mask = so.components(model, "gates:rnn")["rnn.l0:output"]
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight[mask.entries[name]] = -1e4 if "bias" in name else 0.0
    out, (_, cell) = model["rnn"](torch.ones(4, 1, 2))
    assert (out == 0).all()
    assert (cell != 0).any()


def test_projections_of_an_lstm_belong_to_no_gate():
    model = nn.ModuleDict({"rnn": nn.LSTM(2, 4, proj_size=3)})
    names = {name for mask in so.components(model, "gates:rnn").values() for name in mask.entries}
    assert names == {f"rnn.{part}_l0" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (
            "type:Conv3d",
            "type must be the type of modules that hold weights, got 'Conv3d'. Did you",
        ),
        ("channels:9", "components must be the name of a convolution or a linear map, got '9'"),
        ("channels:0/x", "size of a group of channels must be a positive number, got 'x'"),
        ("channels:0/0", "size of a group of channels must be a positive number, got '0'"),
        ("channels:1", "got '1, which is BatchNorm2d'"),
        ("gates:0", "components must be the name of an LSTM or a GRU, got '0, which is Conv2d'"),
        ("neurons:0", "components must select at least one weight, got 'neurons:0'"),
    ],
)
def test_what_is_not_there_is_refused(which, words):
    with pytest.raises(InputError, match=words):
        so.components(NET, which)


def test_a_bare_module_has_no_name():
    words = "got 'the model itself, which is LSTM'. Put the model into torch.nn.Sequential"
    with pytest.raises(InputError, match=words):
        so.components(nn.LSTM(2, 3), "gates:")


def test_transposed_convolutions_in_groups_are_refused():
    model = nn.Sequential(nn.ConvTranspose2d(2, 2, 1, groups=2))
    with pytest.raises(InputError, match="0 must not be transposed in groups, got '2 groups'"):
        so.components(model, "channels:0")
