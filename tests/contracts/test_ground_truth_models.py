"""What the small models of known modules must keep: masks that fit, are disjoint and move."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

import somite as so
from somite.components.select import DeclaresComponents, check_fit
from somite.core.random import stream
from somite.models import (
    MLP,
    BlockLinear,
    DeepLinear,
    Duplicates,
    GaussianBlocks,
    RoleTokens,
    SharedBias,
    Transformer,
    TransformerConfig,
    block_connections,
    block_inputs,
    block_linear_population_loss,
    gaussian_blocks_loss,
    head_roles,
    join_streams,
    next_token_loss,
    squared_error_loss,
    stream_loss,
)


def taught(model: nn.Module, inputs: int) -> tuple:
    x = torch.randn(12, inputs, generator=stream("x"), dtype=torch.float64)
    return model.double(), squared_error_loss, (x, model.double()(x).detach())


def streams() -> tuple:
    shape = TransformerConfig(3, 6, d_model=4, n_heads=1, d_head=2, norm="none")
    with torch.random.fork_rng():
        model = join_streams(Transformer(shape), Transformer(replace(shape, d_model=5)))
    return model, partial(stream_loss, first=3), torch.randint(9, (12, 6), generator=stream("x"))


def roles() -> tuple:
    model = head_roles(RoleTokens(2, 1), torch.full((2, 2), 0.5), 6)
    rows = torch.randint(model.config.vocab_size, (12, 6), generator=stream("x"))
    return model, next_token_loss, rows


CUT = block_connections([[1, 2, 1], [2, 2, 1]])
CASES = {
    "MLP": lambda: taught(MLP([3, 4, 5, 2], "relu"), 3),
    "cut MLP": lambda: taught(MLP([3, 4, 2], connections=CUT), 3),
    "Gaussian blocks": lambda: (
        GaussianBlocks([2, 3]), gaussian_blocks_loss, block_inputs([[2], [3]], 0.1, stream("x")),
    ),
    "block linear": lambda: (
        BlockLinear([DeepLinear([2, 3, 2]), DeepLinear([1, 2, 2])]),
        block_linear_population_loss,
        torch.zeros(1),
    ),
    "shared bias": lambda: taught(SharedBias(2, 2), 4),
    "duplicates": lambda: taught(Duplicates([1.0, 2.0]), 2),
    "two streams": streams,
    "head roles": roles,
}  # fmt: skip
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@cases
def test_masks_and_units_fit_and_are_disjoint(case):
    model, _, _ = case()
    assert isinstance(model, DeclaresComponents)
    assert model.units() <= set(dict(model.named_parameters()))
    for kind, group in model.components().items():
        assert list(so.components(model, kind)) == list(group)
        counts: dict[str, torch.Tensor] = {}
        for name, mask in group.items():
            check_fit(name, mask, model)
            for tensor, chosen in mask.entries.items():
                counts[tensor] = counts.get(tensor, 0) + chosen.long()
        assert all((count <= 1).all() for count in counts.values()), kind


@cases
def test_every_component_can_be_sampled(case):
    model, loss, data = case()
    target = so.Target(loss, data, n_beta=10, localization=50)
    for kind in model.components():
        draws = so.sample(
            model,
            target,
            so.SGLD(1e-3),
            components=kind,
            batch_size=1,
            chains=1,
            burn_in=0,
            draws=2,
        )
        assert (draws.distance[..., 1] > 0).all(), kind
