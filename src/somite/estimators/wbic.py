"""The widely applicable Bayesian information criterion.

    WBIC = E[n·L(w)] = n·L(w*) + n·E[L(w) − L(w*)]   at n_beta = n / log n
    λ̂ = n_beta · E[L(w) − L(w*)] = (WBIC − n·L(w*)) / log n

L is the mean negative log likelihood of n samples. With localization as the prior it estimates the
free energy of the center's neighbourhood, of the component's weights alone.
"""

import math
from typing import Any

import xarray as xr

from somite.core.errors import InputError
from somite.estimators.series import explain_sign, reference, tabulate
from somite.sampling.convergence import loss_error

TOLERANCE = 0.01
"""Relative difference of the temperature that passes."""


def wbic(draws: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """WBIC of every component, and the λ̂ it implies.

    The errors are those of the mean loss, as in `somite.llc`.

    Args:
        draws: From `somite.sample` with a `Target` that gives `n` and n_beta = n / log n (up to
            1 %), and whose loss is the negative log likelihood of a sample.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over component: `wbic`, `wbic_mcse` (nats, for all n samples), `llc`, `mcse`
        (dimensionless), `remark`, `chains_failed`.

    Source: Watanabe (2013), A widely applicable Bayesian information criterion, the definition.

    Example:
        >>> import math, somite as so, torch
        >>> loss = lambda model, batch: model(batch).flatten() ** 2 / 2
        >>> data = torch.ones(20, 1)
        >>> target = so.Target(loss, data, n_beta=20 / math.log(20), localization=1, n=20)
        >>> draws = so.sample(torch.nn.Linear(1, 1), target, so.SGLD(0.01), components="bias")
        >>> found = wbic(draws)
        >>> implied = (found.wbic - 20 * draws.center_loss.mean(("chain", "draw"))) / math.log(20)
        >>> bool(abs(implied - found.llc).item() < 1e-5)
        True
    """
    n = check_temperature(draws, "WBIC", "n / log n", lambda n: n / math.log(n))
    n_beta, at_center = draws.attrs["n_beta"], draws.attrs["center_loss"]

    def row(one: xr.Dataset) -> dict[str, Any]:
        loss, error = float(one.loss.mean()), loss_error(one.loss.values, reference(one))
        return {
            "wbic": n * (at_center + loss),
            "wbic_mcse": n * error,
            "llc": n_beta * loss,
            "mcse": n_beta * error,
            "remark": explain_sign(loss, error),
        }

    return tabulate(draws, row, on_failure)


def check_temperature(draws: xr.Dataset, what: str, words: str, n_beta: Any) -> int:
    """Require draws at the temperature that a criterion is defined at.

    Args:
        draws: Their attributes hold n and n_beta.
        what: Name of the criterion.
        words: Its n_beta in words.
        n_beta: Its n_beta as a function of n.

    Returns:
        n, the number of samples.

    Raises:
        InputError: If n is not given, or n_beta is more than 1 % off.
    """
    n = draws.attrs.get("n")
    if n is None:
        remedy = "Pass n, the number of samples, to Target."
        raise InputError("n of the draws", f"must be given for {what}", n, remedy)
    wanted, found = n_beta(n), draws.attrs["n_beta"]
    if not math.isclose(found, wanted, rel_tol=TOLERANCE):
        rule = f"must be {words} = {wanted:.6g} for {what}"
        raise InputError("n_beta of the draws", rule, found, "Sample at that n_beta.")
    return int(n)
