"""The stacked engine makes the draws of the sequential one, to float tolerance."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import somite as so
from somite.sampling.stack import Stack
from somite.sampling.stacked_engine import StackedEngine
from unit.models.tiny import SHAPES, tiny_transformer
from unit.sampling.runs import sample_wells
from unit.sampling.stacks import (
    KERNELS,
    both,
    largest_gap,
    neurons_and_layer,
    pairs,
    sample,
    small_mlp,
    square_loss,
)

ALIKE = 1e-10
PAIRS = {"data": pairs(), "loss": square_loss}


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_heads_have_the_same_draws(kernel):
    one, stacked = both(tiny_transformer(), kernel=kernel)
    assert (one.attrs["stacked"], stacked.attrs["stacked"]) == (False, True)
    assert largest_gap(one, stacked) < ALIKE


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda k: type(k).__name__)
def test_groups_of_unequal_shape_have_the_same_draws(kernel):
    runs = both(small_mlp(), kernel=kernel, components=neurons_and_layer(), chains=3, **PAIRS)
    assert largest_gap(*runs) < ALIKE


@pytest.mark.parametrize("kind", ["layers", "mlps", "full"])
def test_parts_of_a_transformer_that_are_no_heads_have_the_same_draws(kind):
    assert largest_gap(*both(tiny_transformer(**SHAPES["all"]), components=kind)) < ALIKE


def test_heads_without_sharing_have_the_same_draws():
    assert largest_gap(*both(tiny_transformer(), sharing=False)) < ALIKE


def test_control_variates_and_parts_of_a_minibatch_have_the_same_draws():
    changes = {"control_variates": True, "accumulate": 3}
    assert largest_gap(*both(tiny_transformer(), **changes)) < ALIKE


def test_shares_of_blocks_and_full_gradients_are_the_same():
    model = tiny_transformer()
    runs = both(model, components="layers", blocks="heads", batch_size=None)
    assert np.isnan(runs[1].block_share).any()
    assert np.isfinite(runs[1].block_share).any()
    assert largest_gap(*runs) < ALIKE


def test_an_automatic_number_of_draws_is_the_same():
    changes = {"draws": "auto", "error": 0.5, "most_draws": 80, "components": "0:1"}
    one, stacked = both(tiny_transformer(), **changes)
    assert one.sizes == stacked.sizes
    assert largest_gap(one, stacked) < 1e-8


def test_chains_that_fail_fail_at_the_same_step_with_the_same_words():
    probes = {"reference": torch.zeros(2)}
    one, stacked = (sample_wells(stacked=s, probes=probes, pointwise=True) for s in (False, True))
    assert (stacked.failed_at > 0).any()
    assert (stacked.failed_at < 0).any()
    assert largest_gap(one, stacked) < ALIKE


def test_a_chain_alone_is_that_chain_among_many():
    many = sample(tiny_transformer(), stacked=True, chains=3)
    alone = sample(tiny_transformer(), stacked=True, chains=1, components="1:2")
    assert largest_gap(alone, many.sel(component=["1:2"], chain=[0])) < ALIKE


def test_the_comparison_notices_exchanged_noise(monkeypatch):
    right = Stack.noise
    monkeypatch.setattr(Stack, "noise", lambda stack: right(stack).flip(1))
    assert largest_gap(*both(tiny_transformer())) > 0.01


class Waits(TorchDispatchMode):
    """Notes operations whose result the host has to wait for on a GPU."""

    FORBIDDEN = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal.")

    def __init__(self) -> None:
        super().__init__()
        self.found, self.count = [], 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.count += 1
        if any(name in str(operation) for name in self.FORBIDDEN):
            self.found.append(str(operation))
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("kind", ["heads", "layers"])
def test_no_step_waits_for_the_device(monkeypatch, kind):
    modes = []

    def watched(method):
        def call(*args):
            modes.append(Waits())
            with modes[-1]:
                return method(*args)

        return call

    for name in ("_step", "_check_stacks"):
        monkeypatch.setattr(StackedEngine, name, watched(getattr(StackedEngine, name)))
    sample(tiny_transformer(), stacked=True, components=kind)
    assert sum(mode.count for mode in modes) > 100
    assert [wait for mode in modes for wait in mode.found] == []


def test_the_sequential_engine_does_wait():
    with Waits() as mode:
        sample(small_mlp(), stacked=False, components="full", **PAIRS)
    assert mode.found


def test_the_callers_model_and_settings_stay():
    model = tiny_transformer()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    draws = sample(model, stacked=True)
    assert all(torch.equal(weight, before[name]) for name, weight in model.named_parameters())
    assert all(weight.requires_grad for weight in model.parameters())
    assert np.isfinite(so.llc(draws).llc).all()
