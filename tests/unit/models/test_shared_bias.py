import pytest
import torch
from torch.func import functional_call, jacrev

from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import mirrored_inputs
from somite.models import SharedBias


def jacobians(model: SharedBias, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Tangents of each part (example, weight)."""
    weights = dict(model.named_parameters())
    found = jacrev(lambda w: functional_call(model, w, (x,))[:, 0])(weights)
    flat = {name: value.flatten(1) for name, value in found.items()}
    parts = model.components()["parts"]
    return {p: torch.cat([flat[n] for n in mask.entries], 1) for p, mask in parts.items()}


def interaction(model: SharedBias, x: torch.Tensor) -> float:
    """½ (rank A + rank B − rank AB)."""
    found = jacobians(model, x)
    both = torch.cat(list(found.values()), 1)
    ranks = [int(torch.linalg.matrix_rank(j)) for j in (*found.values(), both)]
    return (ranks[0] + ranks[1] - ranks[2]) / 2


@pytest.mark.parametrize(("biases", "expected"), [(2, 0.5), (1, 0.0), (0, 0.0)])
def test_the_constant_is_all_that_parts_share(biases, expected):
    model = SharedBias(2, 2, biases=biases).double()
    assert interaction(model, mirrored_inputs(40, [2, 2], stream("x"))) == expected


def test_tangents_of_separate_parts_are_orthogonal_on_mirrored_inputs_only():
    model = SharedBias(2, 2, biases=0).double()
    mirrored = jacobians(model, mirrored_inputs(40, [2, 2], stream("x")))
    assert (mirrored["0"].T @ mirrored["1"]).abs().max() < 1e-12
    assert mirrored["0"].mean(0).abs().max() < 1e-14
    x = torch.randn(160, 4, generator=stream("plain"), dtype=torch.float64)
    plain = jacobians(model, x)
    assert (plain["0"].T @ plain["1"]).abs().max() > 1


def test_a_part_owns_its_network_and_its_bias():
    parts = SharedBias(2, 3, parts=3, biases=2).components()["parts"]
    assert [mask.size for mask in parts.values()] == [10, 10, 9]
    assert "biases.1" in parts["1"].entries


def test_parts_differ():
    first, second = SharedBias(2, 3).nets
    assert not torch.equal(first.weight(0), second.weight(0))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"parts": 1}, "parts must be a whole number of at least 2"),
        ({"biases": 3}, "biases must be at most 2, got 3"),
        ({"biases": -1}, "biases must be a whole number of at least 0"),
    ],
)
def test_bad_input(settings, words):
    with pytest.raises(InputError, match=words):
        SharedBias(2, 2, **settings)
