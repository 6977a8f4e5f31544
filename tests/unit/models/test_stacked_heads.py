"""Heads moved in many ways at once give what each gives alone."""

import pytest
import torch

from somite import components, next_token_loss
from somite.components.patch import Patch
from somite.models.sharing import moved_heads, shared_pass
from somite.models.stacked_heads import stacked_heads
from unit.models.tiny import CONTEXT, SHAPES, tiny_rows, tiny_transformer

CHAINS = 2


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("sets", [[["0:0"], ["0:2"]], [["1:1"]], [["1:0", "1:2"], ["1:0", "1:1"]]])
def test_logits_and_losses_are_those_of_each_alone(shape, sets):
    model = tiny_transformer(**shape).requires_grad_(False)
    masks, weights = components(model, "heads"), dict(model.named_parameters())
    unions = [masks[s[0]] if len(s) == 1 else masks[s[0]] | masks[s[1]] for s in sets]
    moved = [moved_heads(model, Patch(mask, weights, model.units())) for mask in unions]
    generator = torch.Generator().manual_seed(5)
    center = torch.stack([one.patch.center for one in moved])[:, None].repeat(1, CHAINS, 1)
    noise = torch.randn(center.shape, generator=generator, dtype=torch.float64)
    away, rows = center + 0.3 * noise, tiny_rows(3 * CHAINS).view(CHAINS, 3, CONTEXT)
    tokens = rows.flatten(0, 1).repeat(len(sets), 1)
    stack = stacked_heads(moved)
    logits = stack.logits(tokens, away).view(len(sets), CHAINS, 3, CONTEXT, -1)
    losses = stack.next_token_losses(tokens, away).view(len(sets), CHAINS, 3, -1)
    for i, one in enumerate(moved):
        for j, batch in enumerate(rows):
            expected = one.logits(shared_pass(model, batch), away[i, j])
            torch.testing.assert_close(logits[i, j], expected)
            wanted = next_token_loss(lambda _, found=expected: found, batch)
            torch.testing.assert_close(losses[i, j], wanted)
