"""Checkpoints of the Hugging Face Hub: listed, fetched ahead by one, removed after use."""

from somite.training.hub.series import HubCheckpoints, hub_checkpoints

__all__ = ["HubCheckpoints", "hub_checkpoints"]
