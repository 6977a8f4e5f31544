"""Bad input is refused before any step is made, in words that name it and its remedy."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import somite as so
from somite.core.errors import InputError
from somite.sampling.engine import Engine
from somite.sampling.settings import ChainSettings
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.runs import sample_tiny

ROWS = torch.zeros(9, 2)


@pytest.fixture(autouse=True)
def no_step(monkeypatch):
    """All of it is said before any step."""

    def step(*_: object) -> None:
        raise AssertionError("a step was made")

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "advance", step)
        yield


def mean_square(model: nn.Module, rows: Tensor) -> Tensor:
    return model(rows).square().mean(1)


def sample_linear(loss: object = mean_square, data: object = ROWS, **changes: object) -> object:
    settings = {"components": "full", "chains": 1, "burn_in": 0, "draws": 2, **changes}
    kernel, model = settings.pop("kernel", so.SGLD(1e-2)), settings.pop("model", nn.Linear(2, 3))
    target = so.Target(loss, data, n_beta=5, localization=5)
    return so.sample(model, target, kernel, **settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_beta": -1.0}, r"n_beta must be zero or more, got -1\.0\. .*control run"),
        ({"n_beta": float("nan")}, "n_beta must be zero or more, got nan"),
        ({"localization": -2.0}, r"localization must be zero or more, got -2\.0"),
        ({"data": torch.zeros(0, 2)}, "data must hold at least one example, got 0"),
        (
            {"data": (torch.zeros(3), torch.zeros(4))},
            r"data must agree on the number of examples, got \[3, 4\]",
        ),
        (
            {"data": {"x": torch.zeros(2), "y": torch.zeros(3), "z": torch.zeros(2)}},
            r"must agree on the number of examples, got \[2, 3\]. Give every tensor one row",
        ),
        ({"data": ()}, "data must be a tensor, or a tuple or dict of tensors"),
        ({"data": torch.tensor(1.0)}, "data must be a tensor, .* with one row per example"),
        ({"data": np.zeros(3)}, "data must be a tensor, .*got 'ndarray'"),
        ({"data": [torch.zeros(3)]}, "data must be a tensor, .*got 'list'"),
        ({"data": {"x": [1, 2]}}, "data must be a tensor, .*got 'dict'"),
        ({"weight_decay": -1.0}, r"weight_decay must be zero or more, got -1\.0"),
        ({"bounding_box": 0.0}, r"bounding_box must be positive, got 0\.0.*None for no box"),
        ({"bounding_box": float("inf")}, "bounding_box must be positive, got inf"),
        ({"n": 1}, "n must be a whole number of at least 2, got 1. .*or None"),
        ({"n": 1e4}, "n must be a whole number"),
    ],
)
def test_a_bad_target_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        so.Target(**{"loss": mean_square, "data": ROWS, "n_beta": 5.0, **changes})


COUNTS = ("batch_size", "accumulate", "chains", "draws", "most_draws", "thin", "probe_every")


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_counts_below_one_are_refused(name, value):
    with pytest.raises(InputError, match=f"{name} must be a whole number of at least 1, got"):
        ChainSettings(**{name: value})


@pytest.mark.parametrize("name", ["burn_in", "seed", "checkpoint"])
@pytest.mark.parametrize("value", [-1, 0.5, np.int64(3)])
def test_other_settings_are_whole_numbers(name, value):
    with pytest.raises(InputError, match=f"{name} must be a whole number of at least 0, got"):
        ChainSettings(**{name: value})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"burnin": 3}, "burnin must be a setting of the chains, got 3. Did you mean 'burn_in'"),
        ({"num_chains": 3}, "num_chains must be .*Did you mean 'chains'"),
        ({"components": "wieght"}, "components must select at least one weight, got 'wieght'"),
        ({"components": {}}, "components must select at least one weight"),
        (
            {"components": {"mine": so.Mask({"bias": torch.ones(4, dtype=torch.bool)})}},
            r"component mine must have the shape \(3,\) of bias, got \(4,\)",
        ),
        ({"probes": {"empty": ROWS[:0]}}, "probe empty must hold at least one example"),
        ({"probes": {"none": None}}, "probe none must be a tensor, .*got 'NoneType'"),
        ({"probes": {"bad": ROWS / 0}}, "probe bad must have a finite loss .*9 of 9 examples"),
        ({"data": torch.cat([ROWS, ROWS[:2] / 0])}, "data must have a finite loss .*2 of 11"),
        (
            {"kernel": so.MALA(1e-3), "batch_size": 4},
            "batch_size must be None for MALA, which accepts or rejects on the whole data, got 4. "
            "Pass batch_size=None, or take SGLD",
        ),
        ({"kernel": so.HMC(1e-3)}, "batch_size must be None for HMC, .*got 32"),
        (
            {"kernel": so.RMSpropSGLD(1e-3)},
            'burn_in must be at least 1 for RMSpropSGLD, got 0. .*adapt="always"',
        ),
        ({"kernel": so.AdamSGLD(1e-3)}, "burn_in must be at least 1 for AdamSGLD, got 0"),
        (
            {"accumulate": 5, "batch_size": 4},
            "accumulate must be at most the batch size of 4, got 5. Lower it",
        ),
        ({"accumulate": 10, "batch_size": None}, "accumulate must be at most .* of 9, got 10"),
    ],
)
def test_bad_arguments_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        sample_linear(**changes)


COUNT = itertools.count()


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda m, x: mean_square(m, x).mean(), r"loss must have shape \(4, …\), got \(\)"),
        (lambda m, x: m(x).square().mean(0), r"loss must have shape \(4, …\), got \(3,\)"),
        (lambda m, x: mean_square(m, x) / 0, "loss must be finite at the center, got "),
        (
            lambda m, x: mean_square(m, x) + next(COUNT),
            "loss must give the same numbers for the same batch.*Switch off dropout",
        ),
        (
            lambda m, x: nn.functional.dropout(m(x), 0.5).square().mean(1),
            "loss must give the same numbers for the same batch",
        ),
        (
            lambda m, x: mean_square(m.train(), nn.functional.dropout(x + 1, 0.5)),
            "loss must give the same numbers for the same batch, got 'two different results'",
        ),
        (lambda m, x: x.sum(1), "component full must enter the loss, got 'no gradient'"),
        (
            lambda m, x: mean_square(m, x).mean().item(),
            "loss must return a tensor of floating-point numbers, got 'float'. .*without .item",
        ),
        (lambda m, x: m(x).argmax(1), "must return a tensor of floating-point .*torch.int64"),
        (
            lambda m, x: (m.bias - m.bias.detach()).square().sum().sqrt() + x.sum(1),
            "component full must have a finite gradient at the center, got '3 of 9 without'. Look",
        ),
    ],
)
def test_a_bad_loss_is_refused(loss, words):
    with pytest.raises(InputError, match=words):
        sample_linear(loss)


@pytest.mark.parametrize("rows", [2, 3, 9])
@pytest.mark.parametrize(
    "mixed",
    [
        lambda losses: losses / len(losses),
        lambda losses: losses - losses.mean() / 2,
        lambda losses: losses - losses[0] / 2,
        lambda losses: losses - losses[-1] / 2,
    ],
)
def test_a_loss_that_depends_on_the_rest_of_the_batch_is_refused(mixed, rows):
    data = torch.arange(1.0, 2 * rows + 1).view(rows, 2)
    words = r"loss must give an example the same loss whatever else .*apart.*fixed"
    with pytest.raises(InputError, match=words):
        sample_linear(lambda m, x: mixed(mean_square(m, x)), data)


def test_rows_of_one_token_are_refused():
    target = so.Target(so.next_token_loss, tiny_rows()[:, :1], n_beta=5)
    with pytest.raises(InputError, match="data must have rows of at least two tokens, got 1"):
        so.sample(tiny_transformer(), target, so.SGLD(1e-2))


@pytest.mark.parametrize(
    ("empty", "words"),
    [
        (0, "loss must be finite at the center, got nan. .*two tokens, not masked"),
        (7, "data must have a finite loss at the center, got '1 of 9 examples without'. Leave"),
    ],
)
def test_rows_that_are_masked_throughout_are_refused(empty, words):
    rows = tiny_rows(9)
    mask = torch.ones_like(rows)
    mask[empty] = 0
    data = {"input_ids": rows, "attention_mask": mask}
    with pytest.raises(InputError, match=words):
        so.sample(tiny_transformer(), so.Target(so.next_token_loss, data, n_beta=5), so.SGLD(1e-2))


@pytest.mark.parametrize("step_size", [0.0, -1e-3])
def test_a_step_that_is_not_positive_is_refused(step_size):
    with pytest.raises(InputError, match="step_size must be positive, got"):
        so.SGLD(step_size)


def test_a_step_too_long_for_the_prior_is_refused():
    target = so.Target(mean_square, ROWS, n_beta=5, localization=150, weight_decay=50)
    words = (
        r"step_size must be below 0\.02, where localization \(precision 200\) makes it unstable, "
        r"got 0\.02\. A twentieth of that, 0\.001, is a good start"
    )
    with pytest.raises(InputError, match=words):
        so.sample(nn.Linear(2, 3), target, so.SGLD(0.02), components="full")


@pytest.mark.parametrize(
    ("kernel", "largest"), [(so.RMSpropSGLD(0.1), 0.08), (so.AdamSGLD(0.1), 0.08)]
)
def test_a_preconditioned_step_is_held_against_its_offset(kernel, largest):
    target = so.Target(mean_square, ROWS, n_beta=5, localization=5)
    with pytest.raises(InputError, match=rf"step_size must be below {largest}, where localization"):
        so.sample(nn.Linear(2, 3), target, kernel, components="full")


class Dropping(nn.Module):
    """A model that a loss may put back into training."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.drop = nn.Linear(2, 3), nn.Dropout(0.5)

    def forward(self, rows: Tensor) -> Tensor:
        return self.drop(self.line(rows))


def test_a_loss_that_switches_dropout_on_is_refused():
    words = "loss must give the same numbers for the same batch.*Switch off dropout"
    with pytest.raises(InputError, match=words):
        sample_linear(lambda m, x: mean_square(m.train(), x), model=Dropping())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_center_without_a_finite_loss_is_refused(value):
    model = nn.Linear(2, 3)
    model.register_buffer("shift", torch.tensor(value))
    with pytest.raises(InputError, match=f"loss must be finite at the center, got {value}"):
        sample_linear(lambda m, x: mean_square(m, x) + m.shift, model=model)


def test_nan_weights_are_refused():
    model = tiny_transformer()
    model.block(1).attn.W_O.data[0, 0, :2] = float("nan")
    with pytest.raises(
        InputError, match=r"model must hold finite .*2 NaN .* in blocks\.1\.attn\.W_O"
    ):
        sample_tiny(model)


def test_a_loss_that_needs_more_than_logits_cannot_be_shared():
    def loss(model: nn.Module, rows: Tensor) -> Tensor:
        return so.next_token_loss(model, rows) * model.config.n_layers

    target = so.Target(loss, tiny_rows(), n_beta=5, localization=5)
    with pytest.raises(
        InputError, match=r"only call model\(tokens\), got 'model.config'. Pass shar"
    ):
        so.sample(tiny_transformer(), target, so.SGLD(1e-2))
    with pytest.raises(AssertionError, match="a step was made"):  # what the line told to do
        so.sample(tiny_transformer(), target, so.SGLD(1e-2), sharing=False, chains=1, draws=2)


def test_a_shared_loss_that_differs_from_the_model_is_refused():
    def loss(model: nn.Module, rows: Tensor) -> Tensor:
        shift = 1.0 if isinstance(model, nn.Module) else 2.0
        return so.next_token_loss(model, rows) + shift

    target = so.Target(loss, tiny_rows(), n_beta=5, localization=5)
    with pytest.raises(InputError, match="loss must be the same with and without sharing, got 1"):
        so.sample(tiny_transformer(), target, so.SGLD(1e-2))
