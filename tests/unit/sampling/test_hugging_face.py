"""Components of Hugging Face decoders are sampled end to end, and sharing changes nothing."""

import numpy as np
import pytest
import torch

import somite as so
from contracts.decoders import tiny_decoder, tiny_tokens
from somite.components.patch import Patch
from somite.components.select import units
from somite.core.errors import InputError
from somite.sampling.blocks import find_blocks

FAMILIES = ["gpt2", "gpt_neox", "llama"]
families = pytest.mark.parametrize("family", FAMILIES)
QUICK = {"batch_size": 3, "chains": 2, "burn_in": 1, "draws": 4, "seed": 3}


def sample(model, components, **settings):
    target = so.Target(so.next_token_loss, tiny_tokens(), n_beta=10, localization=100)
    kernel = so.SGLD(1e-4)
    return so.sample(model, target, kernel, components=components, **QUICK, **settings)


@families
def test_blocks_below_are_skipped_and_the_numbers_stay(family):
    model = tiny_decoder(family)
    heads = so.components(model, "heads")
    chosen = {name: heads[name] for name in ("0:1", "1:2")}
    chosen |= so.components(model, "1:mlp") | so.components(model, "unembed")
    frozen = model.requires_grad_(False)
    blocks = find_blocks(frozen, so.next_token_loss, tiny_tokens(2))
    weights, cuts = dict(model.named_parameters()), units(model)
    below = {n: blocks.below(Patch(m, weights, cuts)) for n, m in chosen.items()}
    tied = model.config.tie_word_embeddings
    assert below == {"0:1": 0, "1:2": 1, "1:mlp": 1, "unembed": 0 if tied else 2}
    shared, plain = (sample(model, chosen, sharing=sharing) for sharing in (True, False))
    np.testing.assert_allclose(shared.loss, plain.loss, rtol=1e-9, atol=1e-11)
    assert (np.abs(shared.loss.values).max((1, 2)) > 1e-6).all()


@families
def test_a_head_alone_is_the_head_among_many(family):
    model = tiny_decoder(family)
    heads = so.components(model, "heads")
    heads = {name: heads[name] for name in ("0:0", "1:1", "1:2")}
    together = sample(model, heads)
    table = so.llc(together)
    assert list(table.component.values) == list(heads)
    assert np.isfinite(table.llc).all()
    alone = sample(model, "1:1")
    np.testing.assert_array_equal(alone.loss, together.loss.sel(component=["1:1"]))
    assert all((weight.grad is None) for weight in model.parameters())


@families
def test_a_head_moves_slices_of_its_own_alone(family):
    model = tiny_decoder(family)
    weights, cuts = dict(model.named_parameters()), units(model)
    for mask in so.components(model, "heads").values():
        patch = Patch(mask, weights, cuts)
        assert all(piece.chosen is None and piece.cut is not None for piece in patch.pieces)
        assert sum(piece.shape.numel() for piece in patch.pieces) == mask.size


def test_experts_are_sampled():
    model = tiny_decoder("mixtral")
    experts = so.components(model, "experts")
    draws = sample(model, {name: experts[name] for name in ("0:expert1", "1:expert3")})
    assert np.isfinite(so.llc(draws).llc).all()
    patch = Patch(experts["0:expert1"], dict(model.named_parameters()), units(model))
    assert all(piece.chosen is None for piece in patch.pieces)


def test_models_without_weights_to_move_are_refused_before_work_starts():
    with pytest.raises(InputError, match="model must have its weights in memory, got 'none of"):
        sample(tiny_decoder("llama").to("meta"), "full")
    quantised = torch.nn.Embedding(4, 2)
    quantised.weight = torch.nn.Parameter(torch.zeros(4, 2, dtype=torch.int8), requires_grad=False)
    words = "model must have weights that carry gradients, got 'torch.int8 in weight'"
    with pytest.raises(InputError, match=words):
        sample(quantised, "full")


def test_tokens_that_the_model_does_not_know_are_refused():
    model, known = tiny_decoder("llama"), tiny_tokens()
    words = "must hold tokens from 0 to 10, the rows of the model's embedding, got 11"
    rows = known.clone()
    rows[5, 3] = 11
    target = so.Target(so.next_token_loss, rows, n_beta=10)
    with pytest.raises(InputError, match=f"data {words}"):
        so.sample(model, target, so.SGLD(1e-4), components="0:1")
    with pytest.raises(InputError, match=f"probe code {words}"):
        sample(model, "0:1", probes={"code": rows})
    target = so.Target(dictionary_loss, {"input_ids": rows}, n_beta=10)
    with pytest.raises(InputError, match=f"data {words}"):
        so.sample(model, target, so.SGLD(1e-4), components="0:1")


def dictionary_loss(model, batch):
    return so.next_token_loss(model, batch["input_ids"])
