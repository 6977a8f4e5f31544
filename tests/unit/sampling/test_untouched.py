"""`sample` leaves the caller's model and torch's state as they were, to the bit."""

import copy
import random

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import somite as so
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.runs import sample_tiny


class Busy(nn.Module):
    """Dropout, running statistics, tied weights, a frozen weight: all that sampling may disturb."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout(0.5)
        self.outer = nn.Linear(3, 3)
        self.outer.weight = self.inner.weight
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.drop(self.norm(self.inner(x)))) * self.frozen


def busy_loss(model: Busy, rows: Tensor) -> Tensor:
    return (model(rows) - rows).square()


def used_model(model: nn.Module) -> nn.Module:
    """The model in the middle of training: with gradients, running statistics and mode."""
    model.train()
    rows = torch.randn(5, 3) if isinstance(model, Busy) else tiny_rows(5)
    model(rows).square().sum().backward()
    return model


def state(model: nn.Module) -> dict[str, object]:
    parameters = dict(model.named_parameters())
    return {
        "values": {n: t.detach().clone() for n, t in model.state_dict().items()},
        "gradients": {n: p.grad.clone() for n, p in parameters.items() if p.grad is not None},
        "requires_grad": {n: p.requires_grad for n, p in parameters.items()},
        "identity": {n: (id(p), p.data_ptr(), p._version) for n, p in parameters.items()},
        "modes": {n: m.training for n, m in model.named_modules()},
        "random": torch.get_rng_state(),
        "other random": (random.getstate(), np.random.get_state()[1].copy()),  # noqa: NPY002
        "torch": (torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype()),
    }


def assert_same(before: object, after: object) -> None:
    if isinstance(before, dict):
        assert before.keys() == after.keys()
        for key in before:
            assert_same(before[key], after[key])
    elif isinstance(before, Tensor):
        assert torch.equal(before, after)
        assert before.dtype == after.dtype
    else:
        np.testing.assert_equal(before, after)


@pytest.mark.parametrize("sharing", [True, False])
@pytest.mark.parametrize("which", ["heads", "full"])
def test_a_transformer_is_untouched(which, sharing):
    model = used_model(tiny_transformer(bias=True, d_mlp=5))
    before = state(model)
    sample_tiny(model, components=which, sharing=sharing, probes={"few": tiny_rows(3)})
    assert_same(before, state(model))


def test_any_module_is_untouched():
    model = used_model(Busy())
    data = torch.randn(9, 3)
    before = state(model)
    target = so.Target(busy_loss, data, n_beta=5, localization=5)
    so.sample(model, target, so.SGLD(1e-2), components="full", chains=1, draws=4, burn_in=0)
    assert_same(before, state(model))


def test_it_is_untouched_when_sampling_fails():
    model = used_model(Busy())
    data = torch.randn(9, 3)
    before = state(model)
    target = so.Target(lambda m, x: busy_loss(m, x).mean(), data, n_beta=5)
    with pytest.raises(ValueError, match="loss must have shape"):
        so.sample(model, target, so.SGLD(1e-2), components="full")
    assert_same(before, state(model))


def test_dropout_is_off_whatever_the_mode_of_the_model():
    torch.manual_seed(0)
    model = Busy()
    data = torch.randn(9, 3)
    target = so.Target(busy_loss, data, n_beta=5, localization=5)
    runs = [
        so.sample(m, target, so.SGLD(1e-2), components="full", chains=2, burn_in=0, draws=5)
        for m in (copy.deepcopy(model).train(), copy.deepcopy(model).eval())
    ]
    np.testing.assert_array_equal(runs[0].loss, runs[1].loss)
    assert (runs[0].loss[..., 0] == 0).all()


def test_a_caller_without_gradients_gets_the_same_draws():
    plain = sample_tiny(components="0:0")
    with torch.no_grad():
        quiet = sample_tiny(components="0:0")
        assert not torch.is_grad_enabled()
    np.testing.assert_array_equal(plain.loss, quiet.loss)
