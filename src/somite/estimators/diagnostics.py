"""Diagnostics of saved draws, component by component: of the chains, and of their center."""

from typing import Any

import numpy as np
import xarray as xr

from somite.estimators.center import GRADIENT, NO_PROBE, below_center, center_gradient
from somite.estimators.equilibrium import (
    acceptance,
    distance_ratio,
    noise_ratio,
    step_bias,
    temperature,
)
from somite.estimators.trace import STATISTICS, relative, trace_statistics
from somite.estimators.value import Value, absences, number, scaled
from somite.sampling.convergence import loss_error
from somite.sampling.draws import REFERENCE
from somite.sampling.status import failed

SERIES = tuple(name for name in STATISTICS if name != "mcse")
TRACES = (
    *SERIES,
    *(f"{name}_probe" for name in SERIES),
    *("mcse_minibatch", "mcse_probe", "relative_mcse"),
)
BALANCE = (
    *("temperature", "temperature_error", "noise_ratio", "distance_ratio"),
    *("distance_error", "acceptance", "step_bias"),
)
SAMPLING = (*TRACES, *BALANCE)
"""Diagnostics of the chains, on which `verdict` rests."""
CENTER = (*GRADIENT, "below_center")
"""Diagnostics of the center, on which `center_verdict` rests."""


def diagnose(draws: xr.Dataset) -> xr.Dataset:
    """All diagnostics of every component; failed chains are left out.

    Args:
        draws: From `somite.sample`.

    Returns:
        Over component, NaN where a diagnostic is absent:

        - `llc`, and its error `mcse`, the larger of `mcse_minibatch` and `mcse_probe`, those of the
          losses on minibatches and on the reference probe; `relative_mcse`, mcse over |llc|;
        - `r_hat`, `ess`, `ess_bulk`, `ess_tail`, `autocorrelation`, `trend`, `trend_z` of the
          minibatch losses, and with the ending `_probe` of the probe, see `trace_statistics`;
        - `temperature`, `temperature_error`, `noise_ratio`, `distance_ratio`, `distance_error`,
          `acceptance`, `step_bias`, see `somite.estimators.equilibrium`;
        - `gradient_norm`, `gradient_to_noise`, `gradient_pull`, `gradient_effect`, `below_center`,
          see `somite.estimators.center`;
        - `size`, `chains_failed`, `chains_left`, and `failure`, the status of the first failed one;
        - `absent` and `center_absent`: which diagnostics are absent, and why.

        The attributes are those of the draws.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.bias**2).expand(len(batch))
        >>> draws = so.sample(torch.nn.Linear(1, 1), so.Target(loss, torch.zeros(4), 10, 1),
        ...                   so.SGLD(0.01), components="bias", chains=2, draws=20)
        >>> diagnose(draws).center_absent.item()
        'no probe named reference: below_center'
    """
    names = draws["component"].values
    rows = [component_diagnostics(draws.sel(component=name)) for name in names]
    columns = {name: ("component", [row[name] for row in rows]) for name in rows[0]}
    return xr.Dataset(columns, {"component": names}, draws.attrs)


def component_diagnostics(draws: xr.Dataset) -> dict[str, Any]:
    """One row of `diagnose`, of the draws of one component."""
    good = good_chains(draws)
    statuses, kept = draws["status"].values, draws.isel(chain=np.flatnonzero(good))
    estimate = _estimate(kept)
    found = {
        **_traces(kept),
        **temperature(kept),
        "noise_ratio": noise_ratio(kept),
        **distance_ratio(kept),
        "acceptance": acceptance(kept),
        "step_bias": step_bias(kept),
        **center_gradient(draws, estimate["llc"]),
        "below_center": below_center(kept),
    }
    return {
        **estimate,
        **{name: number(found[name]) for name in (*SAMPLING, *CENTER)},
        "size": int(draws["size"]) if "size" in draws else -1,
        "chains_failed": int((~good).sum()),
        "chains_left": int(good.sum()),
        "failure": "" if good.all() else str(statuses[~good][0]),
        "absent": absences(found, SAMPLING),
        "center_absent": absences(found, CENTER),
    }


def _estimate(draws: xr.Dataset) -> dict[str, float]:
    """λ̂ and its error, from the good chains of one component; NaN without any."""
    loss, n_beta = draws["loss"].values, draws.attrs["n_beta"]
    mean = float(loss.mean()) if len(loss) else float("nan")
    return {"llc": n_beta * mean, "mcse": n_beta * loss_error(loss, _reference(draws))}


def _traces(draws: xr.Dataset) -> dict[str, Value]:
    """Statistics of the losses on minibatches and on the probe."""
    loss, probe, n_beta = draws["loss"].values, _reference(draws), draws.attrs["n_beta"]
    found = trace_statistics(loss)
    error = loss_error(loss, probe)
    known = found["mcse"] if np.isnan(error) else relative(error, float(loss.mean()))
    if REFERENCE in draws["probe"].values:
        on_probe = trace_statistics(probe, int(draws.attrs.get("probe_every", 1)))
    else:
        on_probe = dict.fromkeys(STATISTICS, NO_PROBE)
    return {
        **{name: found[name] for name in SERIES},
        **{f"{name}_probe": on_probe[name] for name in SERIES},
        "mcse_minibatch": scaled(found["mcse"], n_beta),
        "mcse_probe": scaled(on_probe["mcse"], n_beta),
        "relative_mcse": known,
    }


def good_chains(draws: xr.Dataset) -> np.ndarray:
    """Which chains of one component did not fail (chain,)."""
    return np.array([not failed(str(status)) for status in draws["status"].values], dtype=bool)


def _reference(draws: xr.Dataset) -> np.ndarray:
    """Losses on the probe from the target's own data (chain, draw); no draws without one."""
    if REFERENCE not in draws["probe"].values:
        return np.empty((draws.sizes["chain"], 0))
    values: np.ndarray = draws["probe_loss"].sel(probe=REFERENCE).values
    return values
