"""A callback for the Trainer of Hugging Face (extra `hf`)."""

from typing import Any

from somite.core.errors import InputError
from somite.integrations.watcher import Watcher

try:
    from transformers import Trainer, TrainerCallback
except ImportError as error:
    raise InputError(
        "SomiteCallback", "needs the package `transformers`", None, "Run `pip install somite[hf]`."
    ) from error


class SomiteCallback(TrainerCallback):
    """Measures and saves while a Trainer trains; the run ends with the same bits as without.

    Values are logged through `Trainer.log`: TensorBoard, W&B and `state.log_history` get them.
    Only the first process works; the others wait for it at the next exchange of gradients. A model
    whose weights are cut over several devices (FSDP, DeepSpeed stage 3) cannot be measured.

    Args:
        trainer: Whose run it is.
        *watchers: Such as `LLCMonitor` and `CheckpointSaver`.

    Example:
        >>> def add(trainer, monitor):
        ...     trainer.add_callback(SomiteCallback(trainer, monitor))
    """

    def __init__(self, trainer: Trainer, *watchers: Watcher) -> None:
        """Keep the trainer and what watches it."""
        self._trainer, self._watchers = trainer, watchers

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Refuse what will not work, and look at the start."""
        if state.is_world_process_zero:
            for watcher in self._watchers:
                watcher.check(others["model"])
        if state.global_step == 0:
            self.on_step_end(args, state, control, **others)

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Look after a step of the optimizer."""
        if not state.is_world_process_zero:
            return
        found: dict[str, float] = {}
        for watcher in self._watchers:
            found |= watcher(others["model"], state.global_step)
        if found:
            due = control.should_log  # the losses of this step may still be waiting for it
            self._trainer.log(found)
            control.should_log = due
