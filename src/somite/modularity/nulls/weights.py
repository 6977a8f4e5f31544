"""Weights of a network shuffled within a layer."""

import numpy as np

from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.modularity.series import Array


def shuffled_weights(weights: Array, seed: int, keep_zeros: bool = False) -> Array:
    """The weights of one layer in random order.

    Filan et al. 2021. One call for each layer: weights never leave their layer.

    Args:
        weights: Weight matrix of one layer, of any shape.
        seed: Seed of the order; give each layer and repeat its own.
        keep_zeros: Leave zeros where they are, as where weights are pruned or masked.

    Returns:
        A matrix of the same shape with the same entries.

    Raises:
        InputError: If a weight is not finite.

    Example:
        >>> shuffled_weights(np.array([[3.0, 0.0], [0.0, 0.0]]), 0, keep_zeros=True).tolist()
        [[3.0, 0.0], [0.0, 0.0]]
    """
    flat = np.array(weights, dtype=np.float64).reshape(-1)
    if not np.isfinite(flat).all():
        bad = f"{int((~np.isfinite(flat)).sum())} NaN or infinite weights"
        raise InputError("weights", "must be finite", bad, "Use an earlier checkpoint.")
    generator = np.random.default_rng(stream_seed("shuffled weights", seed))
    places = np.flatnonzero(flat) if keep_zeros else np.arange(flat.size)
    flat[places] = flat[generator.permutation(places)]
    return flat.reshape(np.shape(weights))
