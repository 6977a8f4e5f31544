"""The widely applicable information criterion, functional variance and singular fluctuation.

    T = −(1/n) Σ_i log E[exp(−L_i(w))]     training loss of the predictive distribution
    V = Σ_i Var[L_i(w)]                    functional variance
    WAIC = T + (β/n)·V,   ν = β·V/2        singular fluctuation;   β = n_beta / n = 1

L_i is the negative log likelihood of sample i. Draws hold its difference to the center,
Δ_i = L_i(w) − L_i(w*), and the mean loss there: V needs the differences alone, and
T = L(w*) − (1/n) Σ_i log E[exp(−Δ_i)].
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from somite.core.errors import InputError
from somite.estimators.series import tabulate
from somite.estimators.wbic import check_temperature

COLUMNS = ("training_loss", "functional_variance", "waic", "singular_fluctuation")
UNRELIABLE = 0.4
"""Variance of one sample's loss above which WAIC is not to be trusted (Vehtari et al. 2017)."""


def waic(draws: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """WAIC of every component with its parts.

    Values and errors come from the delete-one-chain jackknife, which also takes out the bias of
    first order that a logarithm and a variance of few draws have.

    Args:
        draws: From `somite.sample` with `pointwise=True`, two chains or more, n_beta = n (up to
            1 %), a loss that is the negative log likelihood of a sample, and a reference probe
            that is the whole data, all n samples.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over component: `training_loss`, `waic` (nats per sample), `functional_variance`,
        `singular_fluctuation` (dimensionless), each with `_mcse`; `remark`, `chains_failed`.

    Raises:
        InputError: If the draws were not made for it.

    Source: Watanabe (2010), Asymptotic equivalence of Bayes cross validation and widely applicable
    information criterion, the definitions.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: model(batch).flatten() ** 2 / 2
        >>> data = torch.ones(20, 1)
        >>> target = so.Target(loss, data, n_beta=20, localization=1, n=20)
        >>> draws = so.sample(torch.nn.Linear(1, 1), target, so.SGLD(0.01), components="bias",
        ...                   probes={"reference": data}, pointwise=True)
        >>> found = waic(draws)
        >>> bool(found.singular_fluctuation == found.functional_variance / 2)
        True
    """
    n = check_temperature(draws, "WAIC", "n", float)
    if "example_loss" not in draws:
        remedy = 'Pass pointwise=True and probes={"reference": data} to sample.'
        raise InputError("draws", "must hold the loss of every example", "none", remedy)
    if (examples := draws.sizes["example"]) != n:
        rule, remedy = f"must hold all n = {n} samples", 'Pass probes={"reference": data}.'
        raise InputError("reference probe of the draws", rule, examples, remedy)
    return tabulate(draws, lambda one: _row(one, n), on_failure, least_chains=2)


def jackknife(
    statistic: Callable[[np.ndarray], np.ndarray], chains: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Value without its bias of first order, and error, from leaving out one chain at a time.

    Args:
        statistic: Of the data of some chains (chain, …); gives (statistic,).
        chains: (chain, …), two or more.

    Returns:
        (statistic,) twice: K·θ − (K − 1)·mean θ_k and √((K − 1)/K · Σ(θ_k − mean θ_k)²), θ_k
        without chain k.

    Example:
        >>> values, errors = jackknife(lambda x: np.array([x.mean()]), np.array([1.0, 2.0, 3.0]))
        >>> values.round(6), errors.round(6)  # the plain mean and sd/√3
        (array([2.]), array([0.57735]))
    """
    count = len(chains)
    left = np.stack([statistic(np.delete(chains, k, 0)) for k in range(count)])
    value = count * statistic(chains) - (count - 1) * left.mean(0)
    return value, np.sqrt((count - 1) / count * ((left - left.mean(0)) ** 2).sum(0))


def _row(draws: xr.Dataset, n: int) -> dict[str, Any]:
    loss = draws.example_loss.transpose("chain", "probe_draw", "example").values
    beta, at_center = draws.attrs["n_beta"] / n, draws.attrs["center_loss"]
    # Of every chain and example: E[Δ], E[Δ²] and log E[exp(−Δ)].
    means = np.stack(
        [loss.mean(1), (loss**2).mean(1), logsumexp(-loss, 1) - np.log(loss.shape[1])], 1
    )

    def statistic(chosen: np.ndarray) -> np.ndarray:
        training = at_center - _log_mean(chosen[:, 2]).mean()
        variance = _variances(chosen).sum()
        return np.array([training, variance, training + beta * variance / n, beta * variance / 2])

    values, errors = jackknife(statistic, means)
    return {
        **dict(zip(COLUMNS, values, strict=True)),
        **{f"{name}_mcse": error for name, error in zip(COLUMNS, errors, strict=True)},
        "remark": _remark(_variances(means)),
    }


def _variances(means: np.ndarray) -> np.ndarray:
    """Variance of each example's loss (example,) from the means of chains (chain, 3, example)."""
    first, second = means[:, 0].mean(0), means[:, 1].mean(0)
    variances: np.ndarray = second - first**2
    return variances


def _log_mean(logarithms: np.ndarray) -> np.ndarray:
    """Logarithm of the mean over chains (example,) from those of each chain (chain, example)."""
    total: np.ndarray = logsumexp(logarithms, 0) - np.log(len(logarithms))
    return total


def _remark(variances: np.ndarray) -> str:
    many = int((variances > UNRELIABLE).sum())
    if not many:
        return ""
    return f"not to be trusted: the losses of {many} samples vary by more than {UNRELIABLE}"
