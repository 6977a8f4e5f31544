"""Mutual information of two series from distances to nearest neighbours.

Sources: Kraskov, Stögbauer and Grassberger 2004, "Estimating mutual information", equation 8; for
values that repeat, such as the zeros of a ReLU, Gao et al. 2017, "Estimating mutual information for
discrete-continuous mixtures", algorithm 1.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import digamma

from somite.baselines.arrays import Array
from somite.core.checks import at_least
from somite.core.errors import InputError

STRICTLY = 1 - 1e-10  # keeps the neighbour that defines a radius out of it, whatever the rounding


def neighbor_information(first: Array, second: Array, neighbors: int = 3) -> float:
    r"""Mutual information of two series by nearest neighbours.

    $I = \psi(n) + \langle \psi(k_s) - \psi(m_s) - \psi(m'_s) \rangle$ nats, with k_s = `neighbors`
    and m_s, m'_s the samples, s among them, that are nearer to s in the first, the second series
    than its k-th neighbour is in the plane, in the largest coordinate difference. Where that
    neighbour has distance 0, k_s is the number of samples equal to s in both, and m_s, m'_s those
    equal to it in one. Each series is divided by its standard deviation first. Estimates scatter
    around 0 for independent series, also below.

    Args:
        first: (sample,), not constant.
        second: (sample,), not constant.
        neighbors: k, fewer than there are samples.

    Returns:
        The information [nats].

    Raises:
        InputError: If the series are no such vectors, or there are too few samples.

    Example:
        >>> coin = np.tile([0.0, 1.0], 500)
        >>> round(neighbor_information(coin, coin), 2)  # log 2
        0.69
    """
    at_least("neighbors", neighbors, 1)
    n = len(first)
    if first.ndim != 1 or first.shape != second.shape:
        got = (first.shape, second.shape)
        raise InputError("series", "must be two vectors of one length", got, "Flatten them.")
    if n <= neighbors + 1:
        rule = f"must be at least {neighbors + 2}"
        raise InputError("samples", rule, n, "Pass more samples or ask for fewer neighbors.")
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        raise InputError("series", "must vary", "a constant one", "Leave it out.")
    plane = np.column_stack([first / first.std(), second / second.std()])
    radius = cKDTree(plane).query(plane, k=[neighbors + 1], p=np.inf)[0][:, 0]
    _, inverse, counts = np.unique(plane, axis=0, return_inverse=True, return_counts=True)
    joint = np.where(radius == 0, counts[inverse.reshape(-1)], neighbors)
    alone = [digamma(_within(axis, radius * STRICTLY)) for axis in plane.T]
    return float(digamma(n) + (digamma(joint) - alone[0] - alone[1]).mean())


def _within(values: Array, radius: Array) -> NDArray[np.int64]:
    """How many values lie within the radius of each, itself among them (sample,)."""
    ordered = np.sort(values)
    upper = np.searchsorted(ordered, values + radius, side="right")
    lower = np.searchsorted(ordered, values - radius, side="left")
    return np.asarray(upper - lower, dtype=np.int64)
