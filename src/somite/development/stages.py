"""Stages of development: stretches of training over which all curves run straight in log-step."""

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError
from somite.core.random import stream_seed
from somite.development.criterion import effective_components, information_criterion
from somite.development.piecewise import WeightedCurves, most_boundaries
from somite.development.search import refine_all, search_grid
from somite.development.uncertainty import Uncertainty, boundary_uncertainty
from somite.modularity.resampling import CurveBootstrap
from somite.modularity.series import Array, check_errors, check_series, log_step


def find_stages(
    series: xr.DataArray,
    mcse: xr.DataArray,
    seed: int,
    max_boundaries: int = 6,
    bootstraps: int = 200,
) -> xr.Dataset:
    """Boundaries between stages, from the curves of all components together.

    The curves are continuous and piecewise linear in log(step + 1), with knots that all components
    share, fitted by least squares with weights 1/MCSE². Knots are searched by dynamic programming
    on an even grid, then moved along the axis to the least misfit on the measured checkpoints, for
    every number of them; the BIC chooses the number. Each boundary's error comes from the same
    search on resampled curves (chains, then blocks of draws; the same for all components).

    An `InputError` refuses unfit series or errors, and checkpoints too few for max_boundaries.

    Args:
        series: n_beta times the paired loss difference of each draw; dims (step, component, chain,
            draw). Chains with NaN are left out.
        mcse: Monte Carlo standard error of each curve value; dims (step, component).
        seed: Seed of the resampling.
        max_boundaries: Largest number of boundaries tried; see `most_boundaries`.
        bootstraps: Number of resamplings, at least 20.

    Returns:
        dims boundary: position, low, high [training steps, 95 % interval], log_sd [log-step],
        support (share of resamplings that find it); dims (step, component): fit; dims k: bic,
        misfit (residual sum of squares per degree of freedom, in units of MCSE²; 1 when only noise
        is left). Attributes n_boundaries, k_agreement (share of resamplings with the same number),
        first_step, last_step, bootstraps, effective_components (how many with independent noise).
    """
    series = check_series(series)
    errors = check_errors(mcse, series)
    at_least("bootstraps", bootstraps, 20, "Use 200, or 20 for a quick look.")
    _check_room(series.sizes["step"], max_boundaries)
    bootstrap = CurveBootstrap(series.to_numpy())
    positions = log_step(series.step.to_numpy().astype(np.float64))
    curves = WeightedCurves(positions, bootstrap.mean, errors.to_numpy())
    solutions = refine_all(curves, search_grid(curves, max_boundaries))
    generator = np.random.default_rng(stream_seed("stages", seed))
    resampled = np.stack(list(bootstrap.resample(bootstraps, generator)))
    effective = effective_components(resampled)
    criterion = information_criterion(curves, solutions, effective)
    chosen = int(np.argmin(criterion))
    doubt = boundary_uncertainty(curves, solutions, chosen, resampled, effective)
    result = _boundaries(solutions[chosen], doubt)
    result["fit"] = (("step", "component"), curves.fit(solutions[chosen]))
    result["bic"] = ("k", criterion)
    result["misfit"] = ("k", _misfit(curves, solutions))
    result = result.assign_coords(
        step=series.step, component=series.component, k=np.arange(len(solutions))
    )
    steps = series.step.to_numpy()
    ends = {"first_step": float(steps[0]), "last_step": float(steps[-1])}
    counts = {
        "n_boundaries": chosen,
        "bootstraps": bootstraps,
        "effective_components": effective,
    }
    return result.assign_attrs(**counts, k_agreement=doubt.agreement, **ends)


def _check_room(n_steps: int, max_boundaries: int) -> None:
    at_least("max_boundaries", max_boundaries, 0, "Give zero or more.")
    if n_steps < 3:
        raise InputError(
            "series", "must have at least 3 steps", n_steps, "Sample at more checkpoints."
        )
    most = most_boundaries(n_steps)
    if max_boundaries > most:
        rule = f"must be at most {most} with {n_steps} checkpoints"
        raise InputError(
            "max_boundaries", rule, max_boundaries, "Lower it or sample at more checkpoints."
        )


def _boundaries(knots: Array, doubt: Uncertainty) -> xr.Dataset:
    variables = {
        "position": np.expm1(knots),
        "low": np.expm1(doubt.low),
        "high": np.expm1(doubt.high),
        "log_sd": doubt.spread,
        "support": doubt.support,
    }
    data = {name: ("boundary", values) for name, values in variables.items()}
    return xr.Dataset(data, coords={"boundary": np.arange(len(knots))})


def _misfit(curves: WeightedCurves, solutions: list[Array]) -> Array:
    """Residual sum of squares per degree of freedom, for each number of knots."""
    n_steps, components = curves.values.shape
    counts = np.array([len(knots) for knots in solutions])
    freedom = components * (n_steps - counts - 2) - counts
    residual = np.array([curves.misfit(knots) for knots in solutions])
    return np.where(freedom > 0, residual / np.maximum(freedom, 1), np.nan)
