"""What a trace of losses says of its own mean: mixing, effective size, error, trend."""

import math

import numpy as np

from somite.estimators.value import Value
from somite.sampling.convergence import (
    LEAST_DRAWS,
    bulk_size,
    effective_size,
    mean_error,
    rank_r_hat,
    tail_size,
)

STATISTICS = (
    *("r_hat", "ess", "ess_bulk", "ess_tail", "autocorrelation"),
    *("mcse", "trend", "trend_z"),
)
NO_CHAIN = "no chain is left"
FEW_DRAWS = f"fewer than {LEAST_DRAWS} draws per chain"
STILL = "the losses never vary"
ONE_CHAIN = "a single chain"
UNKNOWN = "the draws take too few values"


def trace_statistics(values: np.ndarray, spacing: int = 1) -> dict[str, Value]:
    """Statistics of the losses of all chains together.

    Args:
        values: (chain, draw), finite.
        spacing: Kept draws from one value to the next.

    Returns:
        `r_hat`; `ess`, `ess_bulk`, `ess_tail` (for the mean, its bulk and its tails);
        `autocorrelation`, the integrated time in kept draws, that is draws per independent draw;
        `mcse` in the unit of the values; `trend`, the change along the trace over its mean, and
        `trend_z`, the same over its error. Each a number, or why there is none.
    """
    chains, draws = values.shape
    if chains == 0 or draws < LEAST_DRAWS:
        return dict.fromkeys(STATISTICS, NO_CHAIN if chains == 0 else FEW_DRAWS)
    if np.ptp(values) == 0:
        still: dict[str, Value] = dict.fromkeys(STATISTICS, STILL)
        return still | dict.fromkeys(("mcse", "trend", "trend_z"), 0.0)
    ess, (change, error) = effective_size(values), trend(values)
    found = {
        "r_hat": rank_r_hat(values),
        "ess": ess,
        "ess_bulk": bulk_size(values),
        "ess_tail": tail_size(values),
        "autocorrelation": spacing * values.size / ess,
        "mcse": mean_error(values),
        "trend": relative(change, float(values.mean())),
        "trend_z": relative(change, error, signed=True),
    }
    why = ONE_CHAIN if chains == 1 else UNKNOWN
    return {name: why if math.isnan(value) else value for name, value in found.items()}


def trend(values: np.ndarray) -> tuple[float, float]:
    """Change of the loss along the trace, by least squares over all chains jointly.

    Slope times number of draws N. With the centred times s_t and the mean x̄_t over chains the slope
    is Σ s_t x̄_t / Σ s_t², and Σ s_t² = N(N² − 1)/12. Draws that forget one another within a trace
    give it the variance N·e² / Σ s_t², where e is the Monte Carlo error of the mean once the
    slope is taken out. So the error of the change is e·√(12 N² / (N² − 1)).

    Args:
        values: (chain, draw), at least 8 draws.

    Returns:
        The change and its error, both in the unit of the values.

    Example:
        >>> change, error = trend(np.arange(8.0)[None] + np.zeros((4, 1)))
        >>> round(change, 6), round(error, 6)
        (8.0, 0.0)
    """
    draws = values.shape[1]
    times = np.arange(draws) - (draws - 1) / 2
    slope = float(times @ values.mean(0) / (times @ times))
    left = values - slope * times
    spread = 0.0 if np.allclose(left, left[0, 0], rtol=1e-12, atol=0) else mean_error(left)
    return slope * draws, spread * math.sqrt(12 * draws**2 / (draws**2 - 1))


def relative(part: float, whole: float, signed: bool = False) -> float:
    """Part over whole, the whole without its sign unless asked for; infinite over nothing.

    Example:
        >>> relative(1.0, -2.0), relative(1.0, -2.0, signed=True), relative(0.0, 0.0)
        (0.5, -0.5, 0.0)
    """
    if whole == 0:
        return math.copysign(math.inf, part) if part else 0.0
    return part / (whole if signed else abs(whole))
