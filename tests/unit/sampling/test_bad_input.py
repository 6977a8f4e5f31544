"""Bad input is refused before any step is made, in words that name it and its remedy."""

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import somite as so
from somite.core.errors import InputError
from somite.sampling.settings import ChainSettings
from unit.models.tiny import tiny_rows, tiny_transformer
from unit.sampling.runs import sample_tiny

ROWS = torch.zeros(9, 2)


def mean_square(model: nn.Module, rows: Tensor) -> Tensor:
    return model(rows).square().mean(1)


def sample_linear(loss: object = mean_square, data: object = ROWS, **changes: object) -> object:
    settings = {"components": "full", "chains": 1, "burn_in": 0, "draws": 2, **changes}
    target = so.Target(loss, data, n_beta=5, localization=5)
    return so.sample(nn.Linear(2, 3), target, so.SGLD(1e-2), **settings)


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
    ],
)
def test_a_bad_target_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        so.Target(**{"loss": mean_square, "data": ROWS, "n_beta": 5.0, **changes})


@pytest.mark.parametrize("name", ["batch_size", "chains", "draws", "thin", "probe_every"])
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
        (lambda m, x: x.sum(1), "component full must enter the loss, got 'no gradient'"),
    ],
)
def test_a_bad_loss_is_refused(loss, words):
    with pytest.raises(InputError, match=words):
        sample_linear(loss)


def test_rows_of_one_token_are_refused():
    target = so.Target(so.next_token_loss, tiny_rows()[:, :1], n_beta=5)
    with pytest.raises(InputError, match=r"loss must be finite at the center.*two tokens"):
        so.sample(tiny_transformer(), target, so.SGLD(1e-2))


@pytest.mark.parametrize("step_size", [0.0, -1e-3])
def test_a_step_that_is_not_positive_is_refused(step_size):
    with pytest.raises(InputError, match="step_size must be positive, got"):
        so.SGLD(step_size)


def test_an_unstable_step_is_refused():
    target = so.Target(mean_square, ROWS, n_beta=5, localization=200)
    with pytest.raises(
        InputError,
        match=r"step_size must be below 4 / localization, got .*0\.02 tighter.*0\.001",
    ):
        so.sample(nn.Linear(2, 3), target, so.SGLD(0.02), components="full")


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
    so.sample(
        tiny_transformer(), target, so.SGLD(1e-2), sharing=False, chains=1, draws=2, burn_in=0
    )


def test_a_shared_loss_that_differs_from_the_model_is_refused():
    def loss(model: nn.Module, rows: Tensor) -> Tensor:
        shift = 1.0 if isinstance(model, nn.Module) else 2.0
        return so.next_token_loss(model, rows) + shift

    target = so.Target(loss, tiny_rows(), n_beta=5, localization=5)
    with pytest.raises(InputError, match="loss must be the same with and without sharing, got 1"):
        so.sample(tiny_transformer(), target, so.SGLD(1e-2))
