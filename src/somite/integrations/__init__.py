"""Measuring inside the training loops of others, without disturbing them.

The callbacks of the Hugging Face Trainer and of Lightning are in modules of their own, which need
these libraries.
"""

from somite.integrations.checkpoint_saver import CheckpointSaver
from somite.integrations.llc_monitor import LLCMonitor
from somite.integrations.watcher import Watcher

__all__ = ["CheckpointSaver", "LLCMonitor", "Watcher"]
