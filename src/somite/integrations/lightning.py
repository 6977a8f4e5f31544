"""A callback for Lightning (extra `lightning`)."""

from typing import Any

from somite.core.errors import InputError
from somite.integrations.watcher import Watcher

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
except ImportError as error:
    raise InputError(
        "SomiteCallback",
        "needs the package `lightning`",
        None,
        "Run `pip install somite[lightning]`.",
    ) from error


class SomiteCallback(Callback):
    """Measures and saves while Lightning trains; the run ends with the same bits as without.

    Values are logged to all loggers of the trainer, at `global_step`. Only the first process works;
    the others wait for it. A model whose weights are cut over devices cannot be measured.

    Args:
        *watchers: Such as `LLCMonitor` and `CheckpointSaver`.
        submodule: Name of the network inside the LightningModule, "" for the module itself. The
            loss of the target is called with it, and components are named in it.

    Example:
        >>> def callbacks(monitor):
        ...     return [SomiteCallback(monitor, submodule="network")]
    """

    def __init__(self, *watchers: Watcher, submodule: str = "") -> None:
        """Keep what watches."""
        self._watchers, self._submodule, self._step = watchers, submodule, 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse what will not work, and look at the start."""
        if trainer.is_global_zero:
            for watcher in self._watchers:
                watcher.check(pl_module.get_submodule(self._submodule))
        self._step = trainer.global_step
        if self._step == 0:
            self._look(trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, *batch: Any, **others: Any
    ) -> None:
        """Look after a step of the optimizer: with accumulation it is not every batch."""
        if trainer.global_step > self._step:
            self._step = trainer.global_step
            self._look(trainer, pl_module)

    def _look(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        found: dict[str, float] = {}
        for watcher in self._watchers:
            found |= watcher(pl_module.get_submodule(self._submodule), self._step)
        if found:
            for logger in trainer.loggers:
                logger.log_metrics(found, step=self._step)
