"""Two small transformers trained apart and put into one: heads of two streams."""

from functools import partial

import torch
from torch import Tensor

from somite.core.random import stream, stream_seed
from somite.data import markov_rows, markov_table
from somite.models import (
    Transformer,
    TransformerConfig,
    join_streams,
    next_token_loss,
    stream_heads,
    stream_loss,
    union_loss,
)
from somite.models.two_stream import STREAMS
from somite.truths.fit import Plan, fit, keep_zeros
from somite.truths.truth import GroundTruth, Task

VOCABULARY, ROWS = 6, 128
SHAPE = TransformerConfig(
    VOCABULARY, context=16, n_layers=2, d_model=16, n_heads=2, d_head=8, norm="none"
)
ORDER = 2
"""The next token depends on the last two: heads are needed."""
STEPS, LEARNING_RATE, BATCH = 400, 0.01, 32


def two_streams(
    seed: int = 0, dense: bool = False, union: bool = False, steps: int = STEPS
) -> GroundTruth:
    """Two layers of two heads for each stream, float64.

    Args:
        seed: Of weights, tables and rows.
        dense: Whether a head's component holds the zeros on the other stream's dimensions.
        union: One softmax over both vocabularies, which couples the streams: the graded control.
        steps: Of training, for each stream.
    """
    trained = [_trained(seed, name, steps) for name in STREAMS]
    model = join_streams(trained[0][0], trained[1][0])
    tokens = trained[0][1] * VOCABULARY + trained[1][1]
    loss = partial(union_loss if union else stream_loss, first=VOCABULARY)
    if union:  # one softmax weighs the streams against each other, which nothing has learned yet
        keep_zeros(model)
        fit(model, loss, tokens, Plan(steps, LEARNING_RATE, batch_size=BATCH, seed=seed))
    components = model.components()["heads"] if dense else stream_heads(model, SHAPE)
    owners = {name: STREAMS[int(name.split(":")[1]) >= SHAPE.n_heads] for name in components}
    return GroundTruth(
        name=f"two streams{', one softmax' if union else ''}{', dense heads' if dense else ''}",
        model=model,
        loss=loss,
        data=tokens,
        components=components,
        labels=owners,
        tasks={name: Task(partial(loss, streams=(name,)), tokens) for name in STREAMS},
        notes="By construction; without `union` and `dense` the streams cannot interact.",
    )


def _trained(seed: int, name: str, steps: int) -> tuple[Transformer, Tensor]:
    """A transformer, float64, and the rows that it was trained on."""
    generator = stream("stream", seed, name)
    rows = markov_rows(markov_table(VOCABULARY, ORDER, generator), ROWS, SHAPE.context, generator)
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(stream_seed("stream weights", seed, name))
        model = Transformer(SHAPE)
    fit(model, next_token_loss, rows, Plan(steps, LEARNING_RATE, batch_size=BATCH, seed=seed))
    return model.double(), rows
