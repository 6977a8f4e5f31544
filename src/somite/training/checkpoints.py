"""A series of checkpoints on disk: weights by step, and what the latest needs to go on.

Each checkpoint is a folder `step-00000100` with `model.safetensors`, `optimizer.safetensors` (the
latest only) and `history.json`. It is written under a temporary name and renamed when whole, so
that whatever is there is complete.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
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
        return load_file(self.path(step) / "model.safetensors")

    def history(self) -> History:
        """Losses recorded up to the latest checkpoint; empty without one."""
        if not (steps := self.steps()):
            return []
        text = (self.path(steps[-1]) / "history.json").read_text()
        history: History = json.loads(text)
        return history

    def save(
        self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, history: History
    ) -> None:
        """Write a checkpoint, then drop the optimiser state of earlier ones."""
        partial = self.folder / f".partial-{step}"
        shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
        partial.mkdir(parents=True)
        save_file(_detached(model.state_dict()), partial / "model.safetensors")
        save_file(_optimizer_tensors(optimizer), partial / "optimizer.safetensors")
        (partial / "history.json").write_text(json.dumps(history))
        os.replace(partial, self.path(step))
        for earlier in self.steps():
            if earlier < step:
                (self.path(earlier) / "optimizer.safetensors").unlink(missing_ok=True)

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
        """Load the latest checkpoint into model and optimiser.

        Returns:
            Its step.
        """
        step = self.steps()[-1]
        model.load_state_dict(self.weights(step))
        if (path := self.path(step) / "optimizer.safetensors").exists():
            _restore_optimizer(optimizer, load_file(path))
        return step


def _detached(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


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
