"""Medians with their spread, and the seconds of a plain training step."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from somite.models import next_token_loss


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, least and largest of repeats, and the repeats."""
    return {
        "median": float(np.median(values)),
        "least": min(values),
        "largest": max(values),
        "repeats": list(values),
    }


def ratios(over: Sequence[float], under: Sequence[float]) -> dict[str, Any]:
    """Spread of the ratio, repeat by repeat: what slows both for a while falls out."""
    return spread([a / b for a, b in zip(over, under, strict=True)])


class TrainingStep:
    """Forward, backward and SGD update of the whole model on one batch."""

    def __init__(self, model: nn.Module, learning_rate: float = 1e-9) -> None:
        """So small a rate leaves the model where it is."""
        self.model = model.requires_grad_(True)
        self.optimizer = torch.optim.SGD(model.parameters(), learning_rate)

    def __call__(self, rows: Tensor) -> float:
        """One step; its loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = next_token_loss(self.model, rows).mean()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def seconds(self, rows: Tensor, steps: int) -> float:
        """Seconds per step, after one to warm up."""
        self(rows)
        begin = time.perf_counter()
        for _ in range(steps):
            self(rows)
        return (time.perf_counter() - begin) / steps
