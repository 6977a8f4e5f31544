"""Losses without stored logits are those of the logits, and so are their gradients."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import somite as so
from somite.components.patch import Patch
from somite.models import readout
from somite.models.readout import low_rank_losses, token_losses
from somite.models.sharing import moved_heads
from unit.models.tiny import tiny_transformer

TOKENS, WIDTH, RANK, VOCAB = 10, 6, 2, 7


def normal(*shape: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


TARGETS = torch.arange(TOKENS) % VOCAB
UPSTREAM = normal(TOKENS, seed=9)


@pytest.fixture(autouse=True, params=[1, 3, 100], ids=lambda rows: f"{rows} tokens a chunk")
def _chunk(request, monkeypatch):
    monkeypatch.setitem(readout.CHUNK, "cpu", request.param * VOCAB)


def gradients(losses: Tensor, *inputs: Tensor) -> list[Tensor]:
    return [losses.detach(), *torch.autograd.grad((losses * UPSTREAM).sum(), inputs)]


@pytest.mark.parametrize("bias", [None, normal(VOCAB, seed=3)], ids=["plain", "bias"])
def test_losses_of_what_the_unembedding_reads(bias):
    read, unembed = normal(TOKENS, WIDTH, seed=0).requires_grad_(), normal(WIDTH, VOCAB, seed=1)
    logits = read @ unembed + (0 if bias is None else bias)
    expected = gradients(F.cross_entropy(logits, TARGETS, reduction="none"), read)
    found = gradients(token_losses(read, unembed, bias, TARGETS), read)
    torch.testing.assert_close(found, expected)


def test_losses_of_a_low_rank_change():
    left, right = normal(TOKENS, RANK, seed=0), normal(RANK, VOCAB, seed=1)
    scale = normal(TOKENS, seed=2).exp()
    for factor in (moved := (left, right, scale)):
        factor.requires_grad_()
    base, bias = normal(TOKENS, VOCAB, seed=4), normal(VOCAB, seed=5)
    old = normal(TOKENS, RANK, seed=6), normal(RANK, VOCAB, seed=7)
    logits = scale[:, None] * (base + left @ right - old[0] @ old[1]) + bias
    expected = gradients(F.cross_entropy(logits, TARGETS, reduction="none"), *moved)
    found = gradients(low_rank_losses(left, right, scale, (base, *old, bias), TARGETS), *moved)
    torch.testing.assert_close(found, expected)


def test_a_token_of_no_probability_has_a_finite_loss():
    read, unembed = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0, 300.0, -300.0]])
    losses = token_losses(read, unembed, None, torch.tensor([2, 1]))
    torch.testing.assert_close(losses, torch.tensor([600.0, 0.0]))


def test_a_small_loss_keeps_its_digits_where_the_logits_are_large():
    read = torch.ones(1, 1)
    (loss,) = token_losses(read, torch.tensor([[1000.0, 990.0]]), None, torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-10.0)), rel=1e-2)


def test_a_second_derivative_is_refused_not_wrong():
    read, scale = normal(TOKENS, WIDTH, seed=0), normal(TOKENS, seed=1)
    for moved in (read, scale):
        moved.requires_grad_()
    unembed, other = normal(WIDTH, VOCAB, seed=1), normal(TOKENS, VOCAB, seed=2)
    fixed = other, read.detach(), unembed, other[0]
    for losses, moved in (
        (token_losses(read, unembed, None, TARGETS), read),
        (low_rank_losses(read.detach(), unembed, scale, fixed, TARGETS), scale),
    ):
        with pytest.raises(RuntimeError, match="no second derivative"):
            torch.autograd.grad(losses.mean(), moved, create_graph=True)


def low_rank(name: str, **shape: object) -> bool:
    model = tiny_transformer(**shape)
    mask = so.components(model, "heads")[name]
    return moved_heads(model, Patch(mask, dict(model.named_parameters()), model.units()))._low_rank


def test_the_low_rank_way_is_for_few_heads_of_an_attention_only_last_layer():
    assert low_rank("1:0", d_mlp=0, d_head=2, d_model=8)
    assert not low_rank("0:0", d_mlp=0, d_head=2, d_model=8)
    assert not low_rank("1:0", d_mlp=8, d_head=2, d_model=8)
    assert not low_rank("1:0", d_mlp=0, d_head=4, d_model=8)
