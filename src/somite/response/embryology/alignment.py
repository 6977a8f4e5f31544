"""Procrustes: the rotation or reflection that brings one cloud nearest to another."""

from scipy.linalg import orthogonal_procrustes

from somite.response.blocks import Array


def rotation_to(points: Array, reference: Array) -> Array:
    r"""The orthogonal R that minimises $\sum_i |R^T x_i - y_i|^2$ over centred points.

    Args:
        points: x (item, axis).
        reference: y (item, axis).

    Returns:
        R (axis, axis); `points @ R` is turned towards the reference.

    Example:
        >>> import numpy as np
        >>> square = np.array([[1.0, 0], [0, 1], [-1, 0], [0, -1]])
        >>> turned = square @ np.array([[0.0, 1], [-1, 0]])
        >>> (turned @ rotation_to(turned, square)).round(9).tolist() == square.tolist()
        True
    """
    found: Array = orthogonal_procrustes(points - points.mean(0), reference - reference.mean(0))[0]
    return found


def align(clouds: Array) -> Array:
    """Turn every cloud towards the next one, from the last backwards; the last stays as it is.

    Clouds are centred. Distances within each are not changed.

    Args:
        clouds: The same items in each (cloud, item, axis).

    Returns:
        (cloud, item, axis).
    """
    found: Array = clouds - clouds.mean(1, keepdims=True)
    for i in range(len(found) - 2, -1, -1):
        found[i] = found[i] @ rotation_to(found[i], found[i + 1])
    return found
