"""Losses without stored logits are those of the logits, and so are their gradients."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from somite.models import readout
from somite.models.readout import token_losses

TOKENS, WIDTH, VOCAB = 10, 6, 7


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


def test_a_token_of_no_probability_has_a_finite_loss():
    read, unembed = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0, 300.0, -300.0]])
    losses = token_losses(read, unembed, None, torch.tensor([2, 1]))
    torch.testing.assert_close(losses, torch.tensor([600.0, 0.0]))


def test_a_small_loss_keeps_its_digits_where_the_logits_are_large():
    read = torch.ones(1, 1)
    (loss,) = token_losses(read, torch.tensor([[1000.0, 990.0]]), None, torch.tensor([0]))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-10.0)), rel=1e-2)


def test_a_second_derivative_is_refused_not_wrong():
    read, unembed = normal(TOKENS, WIDTH, seed=0).requires_grad_(), normal(WIDTH, VOCAB, seed=1)
    losses = token_losses(read, unembed, None, TARGETS)
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(losses.mean(), read, create_graph=True)
