"""The training loop: AdamW or SGD, warm-up, clipped gradients, a checkpoint at planned steps.

Every batch is a pure function of (seed, step), so a run that was stopped goes on from its latest
checkpoint with the same numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from somite.core.checks import at_least, not_negative, one_of, positive
from somite.core.errors import InputError
from somite.core.threads import torch_threads
from somite.models.losses import next_token_loss
from somite.training.checkpoints import CheckpointSeries, History
from somite.training.dropout import dropped

EVALUATION_CHUNK = 128
OPTIMIZERS = ("adamw", "sgd")
MOMENTUM = 0.9
"""Of SGD."""


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained.

    Args:
        steps: Number of optimiser steps.
        batch_size: Rows per step.
        learning_rate: Of the optimiser, after warm-up.
        warm_up: Steps over which the learning rate rises linearly.
        weight_decay: On all weights; decoupled with AdamW, of which 0 makes Adam.
        clip: Largest norm of the gradient.
        seed: Of the initial weights and the batches.
        threads: Threads of PyTorch; part of the run's identity, since sums depend on it.
        optimizer: "adamw", or "sgd" with momentum 0.9.
        initial_scale: Factor on all matrices at the start.
        dropout: Share of the entries that each block adds to the residual stream and that are
            dropped in a training step.
    """

    steps: int = 2000
    batch_size: int = 64
    learning_rate: float = 3e-3
    warm_up: int = 100
    weight_decay: float = 0.05
    clip: float = 1.0
    seed: int = 0
    threads: int = 1
    optimizer: str = "adamw"
    initial_scale: float = 1.0
    dropout: float = 0.0

    def __post_init__(self) -> None:
        """Check before any work starts.

        Raises:
            InputError: If a setting is out of range.
        """
        one_of("optimizer", self.optimizer, OPTIMIZERS)
        positive("initial_scale", self.initial_scale)
        if not 0 <= self.dropout < 1:
            rule = "must be at least 0 and below 1"
            raise InputError("dropout", rule, self.dropout, "Give a share such as 0.1.")
        for name in ("steps", "batch_size", "threads"):
            at_least(name, getattr(self, name), 1)
        at_least("warm_up", self.warm_up, 0)
        positive("learning_rate", self.learning_rate)
        positive("clip", self.clip)
        not_negative("weight_decay", self.weight_decay)


def train(
    model: nn.Module,
    config: TrainingConfig,
    batch: Callable[[int], Tensor],
    series: CheckpointSeries,
    keep: list[int],
    validation: Mapping[str, Tensor],
    progress: Callable[[int, float], None] | None = None,
) -> History:
    """Train a language model, or go on where the series ends.

    Args:
        model: At its initial weights; it is changed.
        config: How to train; its number of threads holds until the end of the call only.
        batch: Rows of a step (row, position); a pure function of the step.
        series: Where checkpoints go.
        keep: Steps after which one is kept, from 0 (the initial weights) to `config.steps`.
        validation: Rows by domain, whose losses are recorded at each checkpoint.
        progress: Called with (steps done, latest training loss).

    Returns:
        For each checkpoint its step, the mean training loss since the one before, and the
        validation loss of each domain, in nats per token.

    Raises:
        InputError: If the loss stops being finite.
    """
    optimizer = _optimizer(model, config)
    history, start, recent = series.history(), 0, list[float]()
    with torch_threads(config.threads):
        if series.steps():
            start = series.restore(model, optimizer)
        elif 0 in keep:
            history = _keep(0, model, optimizer, series, validation, recent, history)
        for step in range(start, config.steps):
            recent.append(_update(model, optimizer, config, batch(step), step))
            if progress:
                progress(step + 1, recent[-1])
            if step + 1 in keep:
                history = _keep(step + 1, model, optimizer, series, validation, recent, history)
                recent.clear()
    return history


def _optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    rate, decay = config.learning_rate, config.weight_decay
    if config.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), rate, momentum=MOMENTUM, weight_decay=decay)
    return torch.optim.AdamW(model.parameters(), rate, weight_decay=decay)


def _update(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    rows: Tensor,
    step: int,
) -> float:
    """One optimiser step; returns the training loss before it.

    Raises:
        InputError: If that loss is not finite.
    """
    warm = min(1.0, (step + 1) / config.warm_up) if config.warm_up else 1.0
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * warm
    with dropped(model, config.dropout, config.seed, step):
        loss = next_token_loss(model, rows).mean()
    value = float(loss.detach())
    if value != value or value == float("inf"):
        remedy = "Lower learning_rate or raise warm_up."
        raise InputError("training loss", "must stay finite", f"{value} at step {step}", remedy)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()
    return value


def _keep(
    step: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    series: CheckpointSeries,
    validation: Mapping[str, Tensor],
    recent: list[float],
    history: History,
) -> History:
    """Record the losses and write the checkpoint."""
    losses = {domain: validation_loss(model, rows) for domain, rows in validation.items()}
    train_loss = sum(recent) / len(recent) if recent else None
    history = [*history, {"step": step, "train_loss": train_loss, "loss": losses}]
    series.save(step, model, optimizer, history)
    return history


@torch.no_grad()
def validation_loss(model: nn.Module, rows: Tensor) -> float:
    """Mean next-token loss over rows (row, position), in nats per token."""
    chunks = rows.split(EVALUATION_CHUNK)
    total = sum(float(next_token_loss(model, chunk).sum()) for chunk in chunks)
    return total / (rows.shape[0] * (rows.shape[1] - 1))
