"""The learning coefficient with a Stein control variate.

    λ̂ = E[n_beta·(L(w) − L(w*)) − c·Z],   Z = Δw·G − (ε/4)‖G‖² − d

Z has mean 0 under SGLD that has settled, minibatches included (see `sgld_balance`), and it rises
and falls with the loss. The coefficient c of a chain is fitted on the other chains, so that it
does not bias the mean. It is the slope of the loss on Z between means of stretches of a chain,
whose covariance is closer to that of the whole means than that of single draws.
"""

import math
from typing import Any

import numpy as np
import xarray as xr

from somite.estimators.series import explain_sign, scale, tabulate
from somite.estimators.sgld_balance import check_balance, imbalance
from somite.sampling.convergence import mean_error

FIT_STRETCHES = 8
"""Stretches of a chain between whose means the coefficient is fitted."""
ERROR_STRETCHES = 4
"""Stretches of a chain between whose means the error is estimated."""


def stein_llc(draws: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """Estimate λ̂ of every component with a control variate.

    The error is that of the mean of the joint (chain, draw) series of loss − c·Z: the larger of
    the usual one and of that from the means of four stretches of every chain. What the control
    variate leaves over wanders slowly under fast noise, where the usual one alone is too small.

    Args:
        draws: From `somite.sample` with SGLD, without weight decay and bounding box; two chains
            or more.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over component: `llc`, `mcse` (both dimensionless), `variance_ratio` (squared error of the
        plain estimate over that of this one: above 1 it helps), `z` (mean of Z in its errors:
        beyond 4 the chains have not settled and this estimate is biased), `remark`,
        `chains_failed`.

    Source: Assaraf and Caffarel (1999), zero-variance principle, with the mean of Z taken for
    SGLD at a finite step.

    Example:
        >>> import somite as so, torch
        >>> data = torch.zeros(1, 1), torch.zeros(1, 1)
        >>> loss = lambda model, batch: (model(batch[0]) - batch[1]).flatten() ** 2
        >>> model = torch.nn.Linear(1, 1)
        >>> _ = model.bias.data.zero_()
        >>> target = so.Target(loss, data, n_beta=10, localization=1)
        >>> draws = so.sample(model, target, so.SGLD(0.01), components="bias", chains=4)
        >>> bool(stein_llc(draws).variance_ratio > 10)
        True
    """
    n_beta = scale(draws)
    check_balance(draws)
    return tabulate(draws, lambda one: _row(one, n_beta), on_failure, least_chains=2)


def _row(draws: xr.Dataset, n_beta: float) -> dict[str, Any]:
    loss, variate = n_beta * draws.loss.values, imbalance(draws)
    corrected = loss - coefficients(loss, variate)[:, None] * variate
    llc, mcse, off = float(corrected.mean()), _error(corrected), _error(variate)
    z = float(variate.mean()) / off if off else 0.0
    unsettled = "Z is far from its mean of 0: not settled, raise burn_in" if abs(z) > 4 else ""
    return {
        "llc": llc,
        "mcse": mcse,
        "variance_ratio": (_error(loss) / mcse) ** 2 if mcse else math.inf,
        "z": z,
        "remark": "; ".join(part for part in (unsettled, explain_sign(llc, mcse)) if part),
    }


def coefficients(values: np.ndarray, variate: np.ndarray) -> np.ndarray:
    """For each chain the slope of values on the variate over the other chains.

    Args:
        values: (chain, draw), two chains or more.
        variate: (chain, draw).

    Returns:
        (chain,); 0 where the variate does not vary.
    """
    y, x = (_stretches(series, FIT_STRETCHES) for series in (values, variate))
    found = []
    for chain in range(len(y)):
        others_y, others_x = (np.delete(a, chain, 0) for a in (y, x))
        away = others_x - others_x.mean()
        spread = float((away**2).sum())
        found.append(float((away * others_y).sum()) / spread if spread else 0.0)
    return np.array(found)


def _error(series: np.ndarray) -> float:
    """Error of the mean of a series (chain, draw): slow wandering under fast noise included."""
    means = _stretches(series, ERROR_STRETCHES)
    return max(mean_error(series), float(means.std(ddof=1)) / math.sqrt(means.size))


def _stretches(values: np.ndarray, count: int) -> np.ndarray:
    """Means of so many equal stretches of every chain (chain, stretch)."""
    chains, draws = values.shape
    length = draws // count
    means: np.ndarray = values[:, : count * length].reshape(chains, count, length).mean(2)
    return means
