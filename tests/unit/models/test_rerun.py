"""Layers run again are those of the model, and so are their gradients."""

import pytest
import torch

from somite.models.rerun import mixed, run_block
from unit.models.tiny import SHAPES, tiny_rows, tiny_transformer

shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
EXACT = {"rtol": 1e-10, "atol": 1e-10}


@shapes
def test_a_block_and_its_gradient(shape):
    model = tiny_transformer(**shape).requires_grad_(False)
    residual = model.start(tiny_rows()).requires_grad_()
    upstream = torch.linspace(-1, 1, residual.numel(), dtype=residual.dtype).view_as(residual)
    results = []
    for above in (model.run_block(1, residual), run_block(model, 1, residual)):
        results.append([above.detach(), *torch.autograd.grad(above, residual, upstream)])
    torch.testing.assert_close(*results, **EXACT)


@shapes
def test_what_some_heads_gather_and_its_gradient_in_their_weights(shape):
    model = tiny_transformer(**shape).requires_grad_(False)
    plain, located = model.read(0, model.start(tiny_rows()))
    attn = model.block(0).attn
    weights = {name: w[[2, 0]].requires_grad_() for name, w in attn.weights().items()}
    moved = {name: w for name, w in weights.items() if name != "W_O"}
    results = []
    for found in (attn.mixed(plain, located, weights), mixed(model, 0, plain, weights)):
        upstream = torch.linspace(-1, 1, found.numel(), dtype=found.dtype).view_as(found)
        results.append([found.detach(), *torch.autograd.grad(found, moved.values(), upstream)])
    torch.testing.assert_close(*results, **EXACT)
