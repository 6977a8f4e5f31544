"""Rows with masks are sampled on every path as plain rows are."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel

import somite as so
from unit.models.tiny import tiny_rows, tiny_transformer

ROWS = tiny_rows(8)
RIGHT = torch.ones_like(ROWS)
RIGHT[3:, 4:] = 0


def gpt2() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = GPT2Config(vocab_size=7, n_positions=6, n_embd=8, n_layer=2, n_head=2)
        return GPT2LMHeadModel(config).double()


MODELS = {"ours": (tiny_transformer, "1:0"), "hugging face": (gpt2, "transformer.h.1.mlp.*")}


def losses(name: str, data: object, **settings: object) -> np.ndarray:
    model, which = MODELS[name]
    target = so.Target(so.next_token_loss, data, n_beta=5, localization=5)
    plan = {"components": which, "chains": 2, "burn_in": 1, "draws": 4, "batch_size": 3}
    return so.sample(model(), target, so.SGLD(1e-2), **plan, **settings).loss.values


def masked(mask: Tensor) -> dict[str, Tensor]:
    return {"input_ids": ROWS, "attention_mask": mask}


@pytest.mark.parametrize("name", MODELS)
def test_a_mask_that_hides_nothing_changes_nothing(name):
    expected = losses(name, ROWS)
    np.testing.assert_allclose(losses(name, masked(torch.ones_like(ROWS))), expected, atol=1e-9)
    assert np.abs(losses(name, masked(RIGHT)) - expected).max() > 1e-6


@pytest.mark.parametrize("name", MODELS)
def test_sharing_makes_no_difference(name):
    found = losses(name, masked(RIGHT), sharing=False)
    np.testing.assert_allclose(found, losses(name, masked(RIGHT)), atol=1e-9)


def test_stacked_chains_see_the_mask():
    found = losses("ours", masked(RIGHT), stacked=True)
    np.testing.assert_allclose(found, losses("ours", masked(RIGHT)), atol=1e-9)


def test_models_that_look_at_their_mask_are_not_stacked():
    with pytest.warns(UserWarning, match="Chains are not stacked, .*data-dependent"):
        found = losses("hugging face", masked(RIGHT), stacked=True)
    np.testing.assert_array_equal(found, losses("hugging face", masked(RIGHT)))


@pytest.mark.parametrize("name", MODELS)
def test_what_is_hidden_has_no_influence(name):
    other = {"input_ids": torch.where(RIGHT.bool(), ROWS, 6 - ROWS), "attention_mask": RIGHT}
    np.testing.assert_allclose(losses(name, other), losses(name, masked(RIGHT)), atol=1e-12)
