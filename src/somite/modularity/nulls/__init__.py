"""What partitions, matrices and curves look like when there is nothing to find."""

from somite.modularity.nulls.registry import NULLS, Null

__all__ = ["NULLS", "Null"]
