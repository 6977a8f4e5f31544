import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from somite.core.errors import InputError
from somite.core.random import stream
from somite.models import (
    Transformer,
    TransformerConfig,
    join_streams,
    next_token_loss,
    stream_heads,
    stream_loss,
    union_loss,
)

FIRST = TransformerConfig(3, 6, d_model=5, n_heads=2, d_head=3, norm="none")
SECOND = replace(FIRST, vocab_size=4, d_model=4, n_heads=1)


def drawn(config: TransformerConfig) -> Transformer:
    model = Transformer(config).double()
    for i, weight in enumerate(model.parameters()):
        new = torch.randn(weight.shape, generator=stream(config, i), dtype=torch.float64)
        weight.data = 0.6 * new
    return model


def tokens(size: int) -> Tensor:
    return torch.randint(size, (8, 6), generator=stream("tokens", size))


@pytest.fixture
def parts():
    with torch.random.fork_rng():
        return drawn(FIRST), drawn(SECOND)


@pytest.fixture
def joined(parts):
    return join_streams(*parts)


PAIRS = tokens(3) * 4 + tokens(4)


@pytest.mark.parametrize("positions", ["shortformer", "learned"])
def test_the_joined_model_does_what_both_do(positions):
    with torch.random.fork_rng():
        one, two = (drawn(replace(c, positions=positions)) for c in (FIRST, SECOND))
    both = join_streams(one, two)
    logits = both(PAIRS)
    torch.testing.assert_close(logits[..., :3], one(tokens(3)), rtol=0, atol=1e-12)
    torch.testing.assert_close(logits[..., 3:], two(tokens(4)), rtol=0, atol=1e-12)
    expected = next_token_loss(one, tokens(3)) + next_token_loss(two, tokens(4))
    torch.testing.assert_close(stream_loss(both, PAIRS, 3), expected, rtol=0, atol=1e-12)


def energy(model: Transformer, loss, masks) -> float:
    """Largest |L(A + B) − L(A) − L(B) + L(w*)| over a few displacements of two heads."""
    start = {name: weight.detach().clone() for name, weight in model.named_parameters()}

    @torch.no_grad()
    def at(*heads: str, trial: int) -> float:
        for name, weight in model.named_parameters():
            weight.copy_(start[name])
            generator = stream("displacement", name, trial)
            shift = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
            for head in heads:
                if name in masks[head].entries:
                    weight.add_(0.3 * shift * masks[head].entries[name])
        return float(loss(model, PAIRS).mean())

    a, b = "0:0", "1:2"  # of the first and of the second stream
    found = [
        abs(at(a, b, trial=i) - at(a, trial=i) - at(b, trial=i) + at(trial=i)) for i in range(5)
    ]
    return max(found)


def test_streams_do_not_interact_at_all(joined):
    assert energy(joined, partial(stream_loss, first=3), stream_heads(joined, FIRST)) < 1e-12


def test_one_softmax_couples_them(joined):
    assert energy(joined, partial(union_loss, first=3), stream_heads(joined, FIRST)) > 1e-4


def test_zeros_that_are_free_to_move_couple_them(joined):
    heads = joined.components()["heads"]
    assert energy(joined, partial(stream_loss, first=3), heads) > 1e-4


def test_heads_of_a_stream_have_all_its_weights_and_no_zeros(joined):
    weights = dict(joined.named_parameters())
    for name, mask in stream_heads(joined, FIRST).items():
        width = 4 if name.endswith(":2") else 5
        assert mask.size == 4 * 3 * width
        for tensor, chosen in mask.entries.items():
            assert (weights[tensor][chosen] != 0).all()


def test_losses_of_the_streams_add(joined):
    for loss in (stream_loss, union_loss):
        parts = [loss(joined, PAIRS, 3, streams=(name,)) for name in "AB"]
        torch.testing.assert_close(sum(parts), loss(joined, PAIRS, 3))


def test_one_softmax_costs_two_bits_where_both_halves_weigh_alike():
    with torch.random.fork_rng():
        model = join_streams(drawn(FIRST), drawn(replace(FIRST, d_model=4)))
    for weight in model.parameters():
        weight.data.zero_()
    pairs = tokens(9)
    gap = union_loss(model, pairs, 3) - stream_loss(model, pairs, 3)
    torch.testing.assert_close(gap, torch.full_like(gap, 2 * math.log(2)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"norm": "rms"}, "streams must be attention only, without norm"),
        ({"bias": True}, "streams must be attention only"),
        ({"d_mlp": 3}, "streams must be attention only"),
        ({"n_layers": 1}, "streams must agree in layers"),
        ({"positions": "learned"}, "streams must agree in layers, width of a head, context and"),
    ],
)
def test_streams_that_do_not_fit(change, words):
    with torch.random.fork_rng(), pytest.raises(InputError, match=words):
        join_streams(drawn(FIRST), drawn(replace(SECOND, **change)))


def test_an_unknown_stream_is_named(joined):
    for loss in (stream_loss, union_loss):
        with pytest.raises(InputError, match="streams must be a known name, got 'C'"):
            loss(joined, PAIRS, 3, streams=("C",))
