"""A head that learns induction: trained up to where it begins, and on from there with weights."""

import copy
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from patterns.text import CONTEXT, SHARES, VOCABULARY, repeats, text
from somite.behavior.attention_targets import induction
from somite.core.random import stream, stream_seed
from somite.data import row_weights, weighted_batch
from somite.models import Transformer, TransformerConfig
from somite.training import CheckpointSeries, TrainingConfig, train

SHAPE = TransformerConfig(VOCABULARY, CONTEXT, n_layers=2, d_model=32, n_heads=4, d_head=8)
POOL, BATCH, RATE = 4096, 32, 1e-2
PERIOD, SCORED = 8, 64
EVERY, LATEST = 25, 3000
Scores = dict[int, list[float]]


class Run:
    """One training run of a seed, and where its files are.

    Args:
        seed: Of weights, text and batches.
        folder: Of the checkpoints.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        """Make text and model."""
        self.seed, self.series = seed, CheckpointSeries(folder)
        self._rows = text(seed, dict.fromkeys(SHARES, POOL), "training")
        self._all = torch.cat(list(self._rows.values()))

    def new_model(self) -> Transformer:
        """The model at its first weights."""
        with torch.random.fork_rng():
            torch.random.manual_seed(stream_seed("patterning weights", self.seed))
            return Transformer(SHAPE)

    def at(self, step: int) -> Transformer:
        """The model at a checkpoint."""
        model = self.new_model()
        model.load_state_dict(self.series.weights(step))
        return model

    def to(self, steps: int, shares: Mapping[str, float]) -> None:
        """Train on, up to a step, with other shares of the domains."""
        weights = row_weights(self._rows, shares)
        config = TrainingConfig(
            steps, BATCH, RATE, warm_up=50, weight_decay=0.05, seed=self.seed, threads=1
        )
        keep = list(range(0, steps + 1, EVERY))

        def batch(step: int) -> Tensor:
            return weighted_batch(self._all, weights, BATCH, self.seed, step)

        train(self.new_model(), config, batch, self.series, keep, {})

    def branch(self, folder: Path) -> "Run":
        """A run that goes on from the latest checkpoint of this one, in a folder of its own."""
        if not folder.is_dir():
            partial = folder.with_name(f".partial-{folder.name}")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(self.series.folder, partial)
            partial.rename(folder)
        other = copy.copy(self)  # the text is the same
        other.series = CheckpointSeries(folder)
        return other

    def scores(self) -> Scores:
        """Induction score of all heads at all checkpoints."""
        rows = scored_rows(self.seed)
        return {
            step: induction_scores(self.at(step), rows).tolist() for step in self.series.steps()
        }


def scored_rows(seed: int) -> Tensor:
    """Rows that repeat a random string of a period that no domain has."""
    return repeats(SCORED, PERIOD, PERIOD, stream("patterning", seed, "scored"))


@torch.no_grad()
def induction_scores(model: nn.Module, rows: Tensor) -> Tensor:
    """Mean attention of every head (layer by layer) on what followed the token before."""
    return attention(model, rows).mean(0)


def attention(model: nn.Module, rows: Tensor) -> Tensor:
    """The same of every row (row, head)."""
    assert isinstance(model, Transformer)
    target = induction(rows, PERIOD)
    counted = (target.keys & target.queries[..., None]).to(model.embed.dtype)
    pattern = torch.cat(model.trace(rows).pattern, dim=1)
    return torch.einsum("rcqk,rqk->rc", pattern, counted) / target.queries.sum(1, keepdim=True)


def formed(run: Run, threshold: float) -> tuple[int, int]:
    """Train until the best head reaches a score; the step, and the place of that head."""
    while True:
        steps = run.series.steps()
        step = steps[-1] if steps else 0
        if steps:
            scores = induction_scores(run.at(step), scored_rows(run.seed))
            if scores.max() >= threshold or step >= LATEST:
                return step, int(scores.argmax())
        run.to(step + EVERY, SHARES)
