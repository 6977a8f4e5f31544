import pickle

import pytest
import torch
from torch import distributed
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import Shard, distribute_tensor

from somite.core.checks import (
    at_least,
    finite_weights,
    movable_weights,
    not_negative,
    one_of,
    positive,
)
from somite.core.errors import InputError, nearest


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_positive_refuses(value):
    with pytest.raises(
        InputError, match=r"^x must be positive, got .* Give a number above zero\.$"
    ):
        positive("x", value)


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_not_negative_refuses(value):
    with pytest.raises(InputError, match=r"^x must be zero or more, got"):
        not_negative("x", value)


@pytest.mark.parametrize("value", [1, True, 3.0, "3"])
def test_at_least_refuses(value):
    with pytest.raises(InputError, match=r"^x must be a whole number of at least 2, got"):
        at_least("x", value, 2)


def test_checks_return_what_passes():
    assert positive("x", 0.5) == 0.5
    assert not_negative("x", 0) == 0
    assert at_least("x", 2, 2) == 2
    assert one_of("x", "a", iter("ab")) == "a"


def test_one_of_names_the_nearest():
    with pytest.raises(
        InputError, match=r"x must be a known name, got 'wrad'. Did you mean 'ward'"
    ):
        one_of("x", "wrad", ["kmeans", "ward"])


def test_nothing_near_lists_all():
    assert nearest("zzz", ["heads", "mlps"]) == "Valid: heads, mlps."


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_finite_weights_names_the_tensor(bad):
    weights = {"good": torch.zeros(2), "bad": torch.tensor([0.0, bad])}
    with pytest.raises(InputError, match=r"model must hold finite numbers only.*1 NaN .* in bad"):
        finite_weights("model", weights)
    finite_weights("model", {"good": torch.zeros(2), "whole": torch.zeros(2, dtype=torch.int64)})


def test_an_input_error_crosses_process_borders():
    error = InputError("step_size", "must be positive", -1, "Give a step such as 1e-3.")
    twin = pickle.loads(pickle.dumps(error))
    assert isinstance(twin, InputError)
    assert (
        str(twin) == str(error) == "step_size must be positive, got -1. Give a step such as 1e-3."
    )


class Sharded(torch.Tensor):
    """A tensor that says it is on a device that this machine need not have."""

    @property
    def device(self) -> str:
        return "cuda:1"


def test_weights_in_shards_are_refused():
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    try:
        mesh = DeviceMesh("cpu", [0])
        part = distribute_tensor(torch.zeros(4, 2), mesh, [Shard(0)])
        with pytest.raises(InputError, match="must be whole, not in shards, got 'a part of b'"):
            movable_weights("model", {"a": torch.zeros(1), "b": part})
    finally:
        distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (torch.zeros(2, device="meta"), "model must have its weights in memory, got 'none of b'"),
        (
            torch.zeros(2, dtype=torch.int8),
            "must have weights that carry gradients, got 'torch.int8 in b'",
        ),
        (torch.zeros(2).as_subclass(Sharded), "model must be on one device, got .'cpu', 'cuda:1'."),
    ],
)
def test_weights_that_no_chain_can_move_are_refused(weight, words):
    with pytest.raises(InputError, match=words):
        movable_weights("model", {"a": torch.zeros(1), "b": weight})
    movable_weights("model", {"a": torch.zeros(1), "b": torch.zeros(1).bfloat16()})
