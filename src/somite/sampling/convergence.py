"""Chain diagnostics of arviz-stats on plain arrays (Vehtari et al. 2021); nothing else uses it."""

import numpy as np
from arviz_stats.base import array_stats

LEAST_DRAWS = 8
TAILS = (0.05, 0.95)


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


def bulk_size(values: np.ndarray) -> float:
    """Effective number of independent draws for the bulk: that of their normalised ranks.

    Args:
        values: (chain, draw), finite.

    Returns:
        As `effective_size`.
    """
    if not _enough(values):
        return float("nan")
    return float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="bulk"))


def tail_size(values: np.ndarray) -> float:
    """Effective number of independent draws for the 5 % and 95 % quantiles, the smaller of both.

    Args:
        values: (chain, draw), finite.

    Returns:
        As `effective_size`.
    """
    if not _enough(values):
        return float("nan")
    return float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="tail", prob=TAILS))


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


def loss_error(losses: np.ndarray, reference: np.ndarray) -> float:
    """Error of the mean loss: the larger of that of the minibatch losses and of the probe's.

    A slow wandering of the chain that minibatch noise hides shows on the fixed probe.

    Args:
        losses: Minibatch losses (chain, draw).
        reference: Losses on the reference probe (chain, probe draw); no draws without one.

    Returns:
        In the unit of the losses; NaN with fewer than 8 draws of both.
    """
    errors = [mean_error(losses), mean_error(reference)]
    return float(np.nanmax(errors)) if np.isfinite(errors).any() else float("nan")


def _enough(values: np.ndarray) -> bool:
    return values.shape[0] > 0 and values.shape[1] >= LEAST_DRAWS and bool(np.ptp(values) > 0)
