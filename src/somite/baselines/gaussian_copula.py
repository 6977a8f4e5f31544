"""Mutual information of two series under a Gaussian copula.

Source: Ince et al. 2017, "A statistical framework for neuroimaging data analysis based on mutual
information estimated via a Gaussian copula", Human Brain Mapping 38, section 2.
"""

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from somite.baselines.arrays import Array


def normal_scores(series: Array) -> Array:
    """Series with their ranks turned into standard normal quantiles Φ⁻¹(rank / (n + 1)).

    Args:
        series: (…, sample); equal values share their mean rank.

    Returns:
        Of the same shape, each series centered, with unit variance.

    Example:
        >>> normal_scores(np.array([[3.0, 9.0, 4.0]])).round(3).tolist()
        [[-1.225, 1.225, 0.0]]
    """
    scores = ndtri(rankdata(series, axis=-1) / (series.shape[-1] + 1))
    centered = scores - scores.mean(-1, keepdims=True)
    unit: Array = centered / centered.std(-1, keepdims=True)
    return unit


def copula_information(first: Array, second: Array) -> Array:
    r"""Mutual information of all pairs of series, from the correlation ρ of their normal scores.

    $I = -\tfrac12 \log(1 - \rho^2)$ nats, exact for a Gaussian copula, else a lower bound on
    average. It is capped at log n, the most that n different samples can tell.

    Args:
        first: Normal scores (component, sample), see `normal_scores`.
        second: Normal scores (other, sample).

    Returns:
        (component, other) [nats].

    Example:
        >>> scores = normal_scores(np.array([[1.0, 2, 3, 4], [2.0, 1, 4, 3], [5.0, 6, 7, 8]]))
        >>> copula_information(scores, scores)[0].round(3).tolist()
        [1.386, 0.182, 1.386]
    """
    n = first.shape[-1]
    correlation = first @ second.T / n
    found: Array = -0.5 * np.log(np.maximum(1 - correlation**2, n**-2.0))
    return found
