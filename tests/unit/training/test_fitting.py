import pytest
import torch
from torch import nn

from somite.core.errors import InputError
from somite.training.fitting import check_fit, fill, first_differences, new_model


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(3, 2)
        self.out = nn.Linear(2, 3, bias=False)
        self.out.weight = self.embed.weight


def two_layers() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))


def state(model: nn.Module, prefix: str = "") -> dict[str, torch.Tensor]:
    return {prefix + name: tensor + 1 for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize("prefix", ["", "model.", "module._orig_mod."])
def test_fills_weights_and_buffers_behind_a_prefix(prefix):
    model, weights = two_layers(), state(two_layers(), prefix)
    assert fill(model, weights, "here") is model
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[prefix + name])


@pytest.mark.parametrize("name", ["embed.weight", "out.weight"])
def test_one_name_of_tied_weights_is_enough(name):
    model, values = Tied(), torch.arange(6.0).reshape(3, 2)
    fill(model, {name: values}, "here")
    assert model.out.weight is model.embed.weight
    assert torch.equal(model.embed.weight, values)


def test_the_precision_of_the_model_stays():
    model = nn.Linear(2, 1).double()
    fill(model, {n: t.half() for n, t in model.state_dict().items()}, "here")
    assert model.weight.dtype == torch.float64


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"weight": torch.zeros(1, 2)}, "missing bias"),
        ({"a.weight": torch.zeros(1, 2)}, "missing bias"),
        ({"x": torch.zeros(1)}, "missing weight, bias; unexpected x"),
        (
            {"weight": torch.zeros(1, 3), "bias": torch.zeros(1), "x": torch.zeros(1)},
            r"unexpected x; shape of weight \(1, 3\) in place of \(1, 2\)",
        ),
        (
            {f"0.{n}": t for n, t in nn.Linear(2, 1).state_dict().items()} | {"2.w": torch.ones(1)},
            r"missing weight, bias; unexpected 0.weight, 0.bias, 2.w",
        ),
    ],
)
def test_names_the_first_differences(weights, words):
    model = nn.Linear(2, 1)
    before = [p.clone() for p in model.parameters()]
    with pytest.raises(InputError, match=rf"weights of the model \(here\), got '{words}"):
        fill(model, weights, "here")
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_long_lists_are_cut():
    found = first_differences({str(i): (1,) for i in range(9)}, {})
    assert found == "missing 0, 1, 2 and 6 more"


def test_copies_share_nothing():
    model = nn.Linear(2, 1)
    first, second = new_model(model), new_model(model)
    with torch.no_grad():
        first.weight.fill_(7)
    assert not torch.equal(first.weight, second.weight)
    assert torch.equal(model.weight, second.weight)
    assert isinstance(new_model(lambda: nn.Linear(1, 1)), nn.Linear)


@pytest.mark.parametrize("template", ["gpt2", None, lambda: 3])
def test_a_template_is_a_module_or_makes_one(template):
    with pytest.raises(InputError, match="model must be a torch module"):
        new_model(template)


def test_a_fit_gives_the_prefix():
    assert check_fit(nn.Linear(2, 1), {"net.weight": (1, 2), "net.bias": (1,)}, "here") == "net."
