"""The training loop, and series of checkpoints: its own, of folders, of the Hub."""

from somite.training.checkpoints import CheckpointSeries
from somite.training.loop import TrainingConfig, train
from somite.training.schedule import checkpoint_steps
from somite.training.series import Checkpoints

__all__ = ["CheckpointSeries", "Checkpoints", "TrainingConfig", "checkpoint_steps", "train"]
