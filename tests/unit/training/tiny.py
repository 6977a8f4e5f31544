"""A training run that takes a blink: a tiny transformer on rows that repeat themselves."""

from pathlib import Path

import torch

from somite.core.random import stream
from somite.models import Transformer, TransformerConfig
from somite.training import CheckpointSeries, TrainingConfig, train

ROWS = torch.randint(16, (64, 4), generator=stream("rows")).repeat(1, 2)
KEEP = [0, 3, 6, 10]
CONFIG = TrainingConfig(steps=10, batch_size=8, warm_up=4, learning_rate=1e-2)


def new_model() -> Transformer:
    config = TransformerConfig(vocab_size=16, context=8, n_layers=1, d_model=8, n_heads=2, d_head=4)
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return Transformer(config)


def batch(step: int) -> torch.Tensor:
    return ROWS[torch.randint(len(ROWS), (8,), generator=stream("batch", step))]


def run(folder: Path, config=CONFIG, keep=KEEP, batch=batch, progress=None, model=None):
    """Train; returns the series and the history."""
    series = CheckpointSeries(folder)
    validation = {"a": ROWS[:16], "b": ROWS[16:20]}
    model = model or new_model()
    return series, train(model, config, batch, series, keep, validation, progress)
