"""The local learning coefficient, refined to a component and to a data set.

    λ̂ = n_beta · E[L(w) − L(w*)],   the mean over the kept draws of all good chains

(Lau et al. 2023, eq. 5; refined: Wang et al. 2024.) Draws around one head's weights give its
weight-refined coefficient, a target on other data the data-refined one, both together both.
"""

import numpy as np
import xarray as xr

from somite.core.checks import one_of, positive
from somite.core.errors import InputError
from somite.estimators.diagnostics import LEAST_DRAWS, effective_size, mean_error, rank_r_hat
from somite.sampling.status import CONVERGED, failed

R_HAT_LIMIT = 1.05
REFERENCE = "reference"
"""Name of the probe that comes from the target's own data; others have other means and errors."""


def llc(draws: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """Estimate λ̂ of every component with its Monte Carlo error.

    The error is the larger of two: of the minibatch losses, and of the losses on the probe named
    "reference", which should hold examples of the target's own data: a slow wandering of the
    chain that minibatch noise hides shows there. R-hat and ESS are given for both.

    Args:
        draws: From `somite.sample`.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them; a
            component with no chain left then has NaN for an estimate, and a status that says why.

    Returns:
        Over component: `llc`, `mcse` (both dimensionless), `r_hat`, `ess` of the minibatch losses,
        `r_hat_probe`, `ess_probe` of the reference probe (NaN without), `chains_failed`, `status`.
        The attributes are those of the draws.

    Raises:
        InputError: If n_beta is 0, or a chain failed.

    Example:
        >>> import somite as so, torch
        >>> data = torch.zeros(4, 1), torch.zeros(4, 1)
        >>> loss = lambda model, batch: (model(batch[0]) - batch[1]) ** 2
        >>> model = torch.nn.Linear(1, 1, bias=True).requires_grad_(True)
        >>> draws = so.sample(model, so.Target(loss, data, n_beta=10, localization=1),
        ...                   so.SGLD(0.1), components="bias", chains=2, draws=20)
        >>> list(llc(draws).data_vars)[:2]
        ['llc', 'mcse']
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    remedy = "Sample with a positive n_beta; n_beta = 0 is the control run without any loss."
    n_beta = positive("n_beta of the draws", draws.attrs["n_beta"], remedy)
    columns = [_component(draws.sel(component=name), on_failure) for name in draws.component.values]
    table = xr.concat(columns, dim="component").assign_coords(component=draws.component)
    table["llc"] = n_beta * table["llc"]
    table["mcse"] = n_beta * table["mcse"]
    return table.assign_attrs(draws.attrs)


def good_chains(draws: xr.Dataset) -> np.ndarray:
    """Which chains of one component did not fail (chain,)."""
    return np.array([not failed(str(status)) for status in draws.status.values], dtype=bool)


def _component(draws: xr.Dataset, on_failure: str) -> xr.Dataset:
    """The row of one component, in units of the loss."""
    name, good = str(draws.component.values), good_chains(draws)
    if not good.all():
        if on_failure == "raise":
            _refuse(name, str(draws.status.values[~good][0]))
    loss = draws.loss.values[good]
    probe = _reference(draws)[good]
    errors = [mean_error(loss), mean_error(probe)]
    row = {
        "llc": float(loss.mean()) if good.any() else float("nan"),
        "mcse": float(np.nanmax(errors)) if np.isfinite(errors).any() else float("nan"),
        "r_hat": rank_r_hat(loss),
        "ess": effective_size(loss),
        "r_hat_probe": rank_r_hat(probe),
        "ess_probe": effective_size(probe),
        "chains_failed": int((~good).sum()),
    }
    return xr.Dataset({**row, "status": _status(row)})


def _reference(draws: xr.Dataset) -> np.ndarray:
    """Losses on the probe from the target's own data (chain, draw); no draws without one."""
    if REFERENCE not in draws.probe.values:
        return np.empty((draws.sizes["chain"], 0))
    values: np.ndarray = draws.probe_loss.sel(probe=REFERENCE).values
    return values


def _refuse(name: str, status: str) -> None:
    rule = "must have chains that all ended well"
    remedy = 'Mend the sampler settings, or pass on_failure="leave out".'
    raise InputError(f"component {name}", rule, status, remedy)


def _status(row: dict[str, float]) -> str:
    worst = np.nanmax([row["r_hat"], row["r_hat_probe"], 0.0])
    parts = []
    if row["chains_failed"]:
        parts.append(f"failed chains, left out: {row['chains_failed']:.0f}")
    if np.isnan(row["llc"]):
        parts.append("no chain is left")
    elif np.isnan(row["mcse"]):
        parts.append(f"too few draws to judge: take at least {LEAST_DRAWS} per chain")
    if worst > R_HAT_LIMIT:
        parts.append(f"not mixed (R-hat {worst:.2f}): raise burn_in, draws or localization")
    return "; ".join(parts) or CONVERGED
