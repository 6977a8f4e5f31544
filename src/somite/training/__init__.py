"""The training loop and the series of checkpoints that it leaves."""

from somite.training.checkpoints import CheckpointSeries
from somite.training.loop import TrainingConfig, train
from somite.training.schedule import checkpoint_steps

__all__ = ["CheckpointSeries", "TrainingConfig", "checkpoint_steps", "train"]
