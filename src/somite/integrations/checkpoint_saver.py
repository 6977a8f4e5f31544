"""Saving checkpoints on a grid of one's own during training."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from somite.integrations.watcher import Steps, Watcher
from somite.training.checkpoints import CheckpointSeries, write_weights


class CheckpointSaver(Watcher):
    """Saves the model at chosen steps, one folder `step-00000100` for each.

    A folder gets its name when it is whole. A step that training comes to again is written again.

    Args:
        folder: Where to.
        steps: A number for every so many steps, or a list, see `Watcher`.
        write: Writes a model into a folder; by default its weights and buffers, as
            `model.safetensors`. With `PreTrainedModel.save_pretrained` each is an ordinary folder
            of Hugging Face.

    Example:
        >>> import tempfile
        >>> from somite.training import checkpoint_steps
        >>> folder = Path(tempfile.mkdtemp())
        >>> save = CheckpointSaver(folder, checkpoint_steps(100, n_log=3, n_linear=2))
        >>> for step in range(21):
        ...     logged = save(nn.Linear(1, 1), step)
        >>> CheckpointSeries(folder).steps()
        [0, 1, 10]
    """

    def __init__(
        self, folder: str | Path, steps: Steps, write: Callable[[Any, Path], Any] = write_weights
    ) -> None:
        """Keep the settings."""
        super().__init__(steps)
        self.series, self._write = CheckpointSeries(Path(folder)), write

    def check(self, model: nn.Module) -> None:
        """Make the folder."""
        self.series.folder.mkdir(parents=True, exist_ok=True)

    def look(self, model: nn.Module, step: int) -> dict[str, float]:
        """Save the model."""
        with self.series.written(step) as folder:
            self._write(model, folder)
        return {}
