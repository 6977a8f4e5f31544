import numpy as np
import pytest
import torch

from somite.behavior import token_losses
from somite.consequences import corruption_damage, reversal_damage
from somite.core.errors import InputError
from somite.core.random import stream
from somite.data import role_rows
from somite.models import RoleTokens, head_roles
from unit.models.tiny import tiny_rows, tiny_transformer


def test_the_loss_is_that_of_the_tokens_that_are_left():
    model, tokens, share = tiny_transformer(), tiny_rows(), 0.4
    found = corruption_damage(model, tokens, share, stream("corrupt"))
    generator = stream("corrupt")
    chosen = torch.rand(tokens.shape, generator=generator) < share
    chosen[:, 0] = False
    changed = tokens.clone()
    changed[chosen] = torch.randint(7, tokens.shape, generator=generator)[chosen]
    rise = (token_losses(model, changed) - token_losses(model, tokens)).masked_fill(
        chosen[:, 1:], torch.nan
    )
    np.testing.assert_allclose(found, rise.nanmean(1), rtol=1e-4)


def test_a_model_that_lives_of_repeats_suffers_and_reversal_does_too():
    table = torch.full((8, 8), 1 / 8)
    model = head_roles(RoleTokens(), table)
    repeats = role_rows("repeats", RoleTokens(), table, (40, 24), stream("repeats"))
    assert corruption_damage(model, repeats, 0.3, stream("corrupt")).mean() > 0.5
    bigrams = torch.tensor([[0.98, 0.01, 0.01], [0.01, 0.01, 0.98], [0.01, 0.98, 0.01]])
    there = torch.roll(torch.eye(3), 1, 1) * 0.97 + 0.01
    one_way = head_roles(RoleTokens(3), there)
    text = role_rows("bigram", RoleTokens(3), there, (40, 24), stream("bigram"))[:, 1:]
    assert reversal_damage(one_way, text).mean() > 1
    both_ways = head_roles(RoleTokens(3), bigrams)
    text = role_rows("bigram", RoleTokens(3), bigrams, (40, 24), stream("bigram"))[:, 1:]
    assert abs(float(reversal_damage(both_ways, text).mean())) < 0.2


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_that_is_none_is_named(share):
    with pytest.raises(InputError, match="share must be between 0 and 1"):
        corruption_damage(tiny_transformer(), tiny_rows(), share, stream("corrupt"))
