"""How training unfolds: its stages and what changes in them."""

from somite.development.changes import stage_changes, stage_ends
from somite.development.piecewise import most_boundaries
from somite.development.stages import find_stages

__all__ = ["find_stages", "most_boundaries", "stage_changes", "stage_ends"]
