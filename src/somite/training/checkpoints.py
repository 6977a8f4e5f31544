"""A series of checkpoints on disk: weights by step, and what the latest needs to go on.

Each checkpoint is a folder `step-00000100` with `model.safetensors`, `optimizer.safetensors` (the
latest only) and `history.json`. It is written under a temporary name and renamed when whole, so
that whatever is there is complete.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from somite.core.errors import InputError

History = list[dict[str, Any]]


@dataclass(frozen=True)
class CheckpointSeries:
    """The checkpoints of one run.

    Args:
        folder: Where they are or will be.
    """

    folder: Path

    def path(self, step: int) -> Path:
        """Folder of the checkpoint of a step."""
        return self.folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """Steps of all complete checkpoints, increasing."""
        if not self.folder.is_dir():
            return []
        names = (entry.name for entry in self.folder.iterdir())
        return sorted(int(name[5:]) for name in names if name.startswith("step-"))

    def weights(self, step: int) -> dict[str, Tensor]:
        """Weights of a checkpoint by name.

        Raises:
            InputError: If there is none of that step.
        """
        if step not in self.steps():
            remedy = f"There are checkpoints of steps {self.steps()}."
            raise InputError("step", "must be a step of the series", step, remedy)
        return self._tensors(step, "model.safetensors")

    def history(self) -> History:
        """Losses recorded up to the latest checkpoint; empty without one.

        Raises:
            InputError: If they cannot be read.
        """
        if not (steps := self.steps()):
            return []
        path = self.path(steps[-1]) / "history.json"
        try:
            history: History = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise self._damaged(path) from error
        return history

    def save(
        self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, history: History
    ) -> None:
        """Write a checkpoint, then drop the optimiser state of earlier ones."""
        with self.written(step) as partial:
            write_weights(model, partial)
            _write(_optimizer_tensors(optimizer), partial / "optimizer.safetensors")
            (partial / "history.json").write_text(json.dumps(history))
        for earlier in self.steps():
            if earlier < step:
                (self.path(earlier) / "optimizer.safetensors").unlink(missing_ok=True)

    @contextmanager
    def written(self, step: int) -> Iterator[Path]:
        """A folder to write a checkpoint to; it gets its name when the block ends well.

        A checkpoint of that step that is there already is replaced.
        """
        partial = self.folder / f".partial-{step}"
        shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(self.path(step), ignore_errors=True)
        os.replace(partial, self.path(step))

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
        """Load the latest checkpoint into model and optimiser.

        Returns:
            Its step.
        """
        step = self.steps()[-1]
        model.load_state_dict(self.weights(step))
        _restore_optimizer(optimizer, self._tensors(step, "optimizer.safetensors"))
        return step

    def _tensors(self, step: int, name: str) -> dict[str, Tensor]:
        """Tensors of one file of a checkpoint.

        Raises:
            InputError: If it is missing or damaged.
        """
        path = self.path(step) / name
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise self._damaged(path) from error

    def _damaged(self, path: Path) -> InputError:
        remedy = f"Remove the folder {self.folder} and train again, with the same numbers."
        return InputError("checkpoint", "must be whole and readable", str(path), remedy)


def write_weights(model: nn.Module, folder: Path) -> None:
    """Write the weights and buffers of a model to `model.safetensors` in a folder."""
    _write(_detached(model.state_dict()), folder / "model.safetensors")


def _write(tensors: dict[str, Tensor], path: Path) -> None:
    # Not `save_file`: where the disk is full it raises an error of its own instead of OSError.
    path.write_bytes(save(tensors))


def _detached(state: dict[str, Tensor]) -> dict[str, Tensor]:
    # Tied weights share memory, which the format refuses: each name gets a copy of its own.
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in state.items()
    }


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"{number}.{name}": torch.as_tensor(value).detach().cpu().contiguous()
        for number, values in state.items()
        for name, value in values.items()
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        state.setdefault(int(number), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
