"""When chains are stacked, when not and why; half precision and compilation."""

import numpy as np
import pytest
from torch import nn

import somite as so
from somite.core.errors import InputError
from somite.sampling import preflight, stacking
from somite.sampling.stacking import stacks
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.stacks import both, largest_gap, pairs, sample, small_mlp, square_loss

MLP = {"data": pairs(), "loss": square_loss, "components": "full"}


class Moody(nn.Tanh):
    """Looks at its input before it decides."""

    def forward(self, x):
        return super().forward(x) if x.sum() > 0 else super().forward(x) * 1.0


def centered_loss(model, rows):
    losses = so.next_token_loss(model, rows)
    return losses - losses.mean() / 2


def test_a_gpu_stacks_and_a_cpu_does_not():
    kernel = so.SGLD(1e-3)
    assert stacks(None, "cuda", kernel)
    assert stacks(True, "cpu", kernel)
    assert not stacks(None, "cpu", kernel)
    assert not stacks(False, "cuda", kernel)
    assert not stacks(None, "cuda", so.sampling.SGNHT(0.01, friction=5.0))
    assert sample(small_mlp(), **MLP).attrs["stacked"] is False


def falls_back(match: str, model: nn.Module, **changes: object) -> None:
    """The draws are those of the sequential engine, to the bit, with one warning."""
    expected = sample(model, stacked=False, **changes)
    with pytest.warns(UserWarning, match=match) as warned:
        found = sample(model, stacked=True, **changes)
    assert len(warned) == 1
    assert found.attrs["stacked"] is False
    assert largest_gap(expected, found) == 0


def test_control_flow_that_depends_on_the_data_is_not_stacked():
    falls_back("data-dependent control flow", small_mlp(Moody), **MLP)


def test_a_loss_that_mixes_examples_is_refused():
    for stacked in (False, True):
        with pytest.raises(InputError, match="whatever else is in the batch"):
            sample(tiny_transformer(), loss=centered_loss, stacked=stacked)


def test_it_would_not_be_stacked(monkeypatch):
    monkeypatch.setattr(preflight, "_check_independence", lambda *_: None)
    falls_back("differ from those one by one", tiny_transformer(), loss=centered_loss)


@pytest.mark.parametrize("name", ["MALA", "HMC", "SGNHT"])
def test_kernels_that_look_at_all_weights_are_not_stacked(name):
    settings = {} if name != "SGNHT" else {"friction": 5.0}
    kernel = getattr(so.sampling, name)(step_size=1e-3, **settings)
    falls_back("does not treat every weight", small_mlp(), kernel=kernel, batch_size=None, **MLP)


def test_half_precision_gives_nearly_the_same_losses():
    model = tiny_transformer().float()
    full, half = (sample(model, stacked=True, precision=p, draws=40) for p in ("full", "bf16"))
    gap = np.abs(half.loss - full.loss).max().item()
    assert 0 < gap < 0.1 * full.loss.std().item()
    assert half.attrs["precision"] == "bf16"


def test_half_precision_asks_for_single_precision_weights():
    with pytest.raises(InputError, match=r"precision needs a model in single precision.*float64"):
        sample(tiny_transformer(), stacked=True, precision="bf16")


@pytest.mark.parametrize("setting", [{"precision": "bf16"}, {"compile": True}])
def test_settings_of_the_stack_ask_for_it(setting):
    with pytest.raises(InputError, match="needs stacked chains, got 'stacked chains not asked for"):
        sample(tiny_transformer().float(), **setting)
    changes = {"data": pairs(), "loss": square_loss, "components": "full", **setting}
    with pytest.raises(InputError, match=r"needs stacked chains, got .*data-dependent"):
        sample(small_mlp(Moody), stacked=True, **changes)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"precision": "half"}, "precision must be a known name"),
        ({"stacked": "yes"}, "stacked must be True or False"),
        ({"compile": "fast"}, "compile must be True or False"),
    ],
)
def test_bad_settings(setting, words):
    with pytest.raises(InputError, match=words):
        sample(tiny_transformer(), **setting)


def test_every_group_is_compiled_once(monkeypatch):
    compiled, calls = [], []

    def compile_counting(view):
        compiled.append(view)

        def call(*args):
            calls.append(len(compiled))
            return view(*args)

        return call

    monkeypatch.setattr(stacking.torch, "compile", compile_counting)
    runs = both(tiny_transformer())
    assert not compiled
    draws = sample(tiny_transformer(), stacked=True, compile=True)
    assert len(compiled) == 2
    assert len(calls) > 16
    assert largest_gap(draws, runs[1]) == 0


def test_the_loss_sees_the_logits_alone_when_heads_move():
    def nosy(model, rows):
        return so.next_token_loss(model, rows) + 0 * model.embed.sum()

    with pytest.raises(InputError, match=r"loss may only call model\(tokens\)"):
        sample(tiny_transformer(), loss=nosy, data=tiny_rows(), stacked=True)
    stacked = sample(tiny_transformer(), loss=nosy, stacked=True, sharing=False)
    assert stacked.attrs["stacked"] is True
