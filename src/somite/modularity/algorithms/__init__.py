"""Algorithms that cut a weighted graph of components into modules."""

from somite.modularity.algorithms.registry import GRAPH_ALGORITHMS, GraphAlgorithm

__all__ = ["GRAPH_ALGORITHMS", "GraphAlgorithm"]
