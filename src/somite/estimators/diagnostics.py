"""Chain diagnostics of arviz-stats on plain arrays (Vehtari et al. 2021); nothing else uses it."""

import numpy as np
from arviz_stats.base import array_stats

LEAST_DRAWS = 8


def rank_r_hat(values: np.ndarray) -> float:
    """Rank-normalised split R-hat, the larger of bulk and folded.

    Args:
        values: (chain, draw), finite.

    Returns:
        1 for chains that agree; infinity for chains that each stand still at another value; NaN
        for a single chain, with fewer than 8 draws, or with no variation at all.
    """
    if not _enough(values):
        return float("nan")
    if np.ptp(values, axis=1).max() == 0:
        return float("inf")
    return float(array_stats.rhat(values, chain_axis=0, draw_axis=1, method="rank"))


def effective_size(values: np.ndarray) -> float:
    """Effective number of independent draws for the mean.

    Args:
        values: (chain, draw), finite.

    Returns:
        The effective sample size over all chains; NaN with fewer than 8 draws or no variation.
    """
    if not _enough(values):
        return float("nan")
    return float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="mean"))


def mean_error(values: np.ndarray) -> float:
    """Monte Carlo standard error of the mean, sd / √(effective size).

    Args:
        values: (chain, draw), finite.

    Returns:
        In the unit of the values; NaN with fewer than 8 draws.
    """
    if values.shape[1] < LEAST_DRAWS or values.shape[0] == 0:
        return float("nan")
    if np.ptp(values) == 0:
        return 0.0
    return float(array_stats.mcse(values, chain_axis=0, draw_axis=1, method="mean"))


def _enough(values: np.ndarray) -> bool:
    return values.shape[0] > 0 and values.shape[1] >= LEAST_DRAWS and bool(np.ptp(values) > 0)
