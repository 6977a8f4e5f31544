"""The learning coefficient over a ladder of temperatures.

    λ̂(n_beta) = n_beta · E[K],   K = L(w) − L(w*)
    n_beta² · Var K = λ̂ − dλ̂/d log n_beta

The second line is an identity of every posterior ∝ exp(−n_beta·K)·prior: its left side needs one
temperature, its right side several, so that they check each other. It takes K on one fixed probe:
losses on minibatches add their own variance to the left side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.estimators.series import check_agree, explain_sign, good_chains, reference, scale
from somite.sampling.convergence import LEAST_DRAWS, loss_error, mean_error

LEAST_RUNGS = 3
FREE = ("n_beta", "burn_in", "seed", "error_reached")
"""Settings in which the rungs may differ."""


@dataclass(frozen=True, eq=False)
class Rungs:
    """One component at every n_beta.

    Args:
        n_beta: Ascending (rung,).
        loss: Minibatch losses (rung, chain, draw).
        probe: K on the reference probe (rung, chain, probe draw).
    """

    n_beta: np.ndarray
    loss: np.ndarray
    probe: np.ndarray


def llc_ladder(draws: Sequence[xr.Dataset], on_failure: str = "raise") -> xr.Dataset:
    """Estimate λ̂ at every n_beta, its slope, and both sides of the identity.

    The slope at a rung is that of the parabola in log n_beta through it and its neighbours (at an
    end through the last three rungs). A ladder too wide for parabolas breaks the identity: rungs a
    factor of 1.5 apart do well. A kernel's own step bias breaks it too: judge it by MALA, HMC, or
    small steps. The probe named "reference" should hold all data, or close to it.

    Errors come from the joint (chain, draw) series, so that rungs may share their noise; that of
    the variance from its first-order series (K − E[K])², and the variance itself is corrected for
    the error of the mean. A chain that failed at one rung is left out at all.

    Args:
        draws: From `somite.sample` at three or more n_beta, all else but burn_in and seed alike,
            with the reference probe.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over (component, n_beta), dimensionless: `llc`, `mcse`, `slope`, `slope_mcse` (of
        dλ̂/d log n_beta) from the minibatch losses; from the reference probe `variance_form`,
        `slope_form` (left and right side of the identity), each with `_mcse`, and `z` (their
        difference in units of its error); `remark`. Over component: `chains_failed`.

    Raises:
        InputError: If there are fewer than three rungs, they do not agree, or the probe is missing.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: model(batch).flatten() ** 2
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> data = torch.ones(1, 1)
        >>> rungs = [so.sample(model, so.Target(loss, data, n_beta, localization=1), so.SGLD(0.01),
        ...                    components="full", chains=2, draws=40, probes={"reference": data})
        ...          for n_beta in (10, 15, 20)]
        >>> dict(llc_ladder(rungs).llc.sizes)
        {'component': 1, 'n_beta': 3}
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    rungs = sorted(draws, key=lambda run: float(run.attrs["n_beta"]))
    _check(rungs)
    components = rungs[0].component
    parts = [[run.sel(component=name) for run in rungs] for name in components.values]
    table = xr.concat([_component(part, on_failure) for part in parts], "component")
    attrs = {name: value for name, value in rungs[0].attrs.items() if name not in FREE}
    coords = {"component": components, "n_beta": [run.attrs["n_beta"] for run in rungs]}
    return table.assign_coords(coords).assign_attrs(attrs)


def slopes_matrix(places: np.ndarray) -> np.ndarray:
    """Weights that turn values at places into slopes of the parabolas through three neighbours.

    Args:
        places: Ascending (rung,), three or more.

    Returns:
        (rung, rung): row i gives the slope at place i.

    Example:
        >>> slopes_matrix(np.array([0.0, 1.0, 2.0])) @ np.array([0.0, 1.0, 4.0])
        array([0., 2., 4.])
    """
    matrix = np.zeros((len(places), len(places)))
    for i, place in enumerate(places):
        first = min(max(i - 1, 0), len(places) - LEAST_RUNGS)
        near = slice(first, first + LEAST_RUNGS)
        powers = np.vander(places[near] - place, increasing=True).T
        matrix[i, near] = np.linalg.solve(powers, [0.0, 1.0, 0.0])
    return matrix


def _check(rungs: Sequence[xr.Dataset]) -> None:
    """Require a ladder that can be climbed.

    Raises:
        InputError: If it cannot.
    """
    at_least("number of rungs", len(rungs), LEAST_RUNGS, "Sample at more values of n_beta.")
    n_beta = [scale(run) for run in rungs]
    if len(set(n_beta)) < len(n_beta):
        raise InputError("n_beta of the rungs", "must differ", n_beta, "Leave one out.")
    check_agree(rungs, FREE, "Sample all rungs alike, apart from n_beta, burn_in and seed.")
    fewest = min(reference(run).shape[-1] for run in rungs)
    remedy = 'Pass probes={"reference": data} to sample, and draw longer or probe more often.'
    at_least("number of reference probe draws", fewest, LEAST_DRAWS, remedy)


def _component(runs: Sequence[xr.Dataset], on_failure: str) -> xr.Dataset:
    good = np.all([good_chains(run, on_failure) for run in runs], axis=0)
    chosen = Rungs(
        np.array([run.attrs["n_beta"] for run in runs]),
        np.stack([run.loss.values[good] for run in runs]),
        np.stack([reference(run)[good] for run in runs]),
    )
    columns = {**_estimates(chosen), **_identity(chosen)} if good.any() else _nothing(len(runs))
    found = {name: ("n_beta", values) for name, values in columns.items()}
    return xr.Dataset({**found, "chains_failed": int((~good).sum())})


def _estimates(rungs: Rungs) -> dict[str, np.ndarray]:
    """λ̂ and its slope, from the minibatch losses; errors no smaller than those of the probe."""
    loss, probe = (rungs.n_beta[:, None, None] * a for a in (rungs.loss, rungs.probe))
    matrix = slopes_matrix(np.log(rungs.n_beta))
    slope, probe_slope = (np.tensordot(matrix, a, 1) for a in (loss, probe))
    llc, mcse = _means(loss), _errors(loss, probe)
    return {
        "llc": llc,
        "mcse": mcse,
        "slope": _means(slope),
        "slope_mcse": _errors(slope, probe_slope),
        "remark": np.array([explain_sign(*pair) for pair in zip(llc, mcse, strict=True)]),
    }


def _identity(rungs: Rungs) -> dict[str, np.ndarray]:
    """Both sides on the probe, each with its error, and the difference in its errors."""
    energy = rungs.n_beta[:, None, None] * rungs.probe
    mean = energy.mean((1, 2), keepdims=True)
    of_mean = np.array([mean_error(series) for series in energy])[:, None, None]
    variance = (energy - mean) ** 2 + of_mean**2
    slope = energy - np.tensordot(slopes_matrix(np.log(rungs.n_beta)), energy, 1)
    gap = variance - slope
    error = np.array([mean_error(series) for series in gap])
    return {
        "variance_form": _means(variance),
        "variance_form_mcse": np.array([mean_error(series) for series in variance]),
        "slope_form": _means(slope),
        "slope_form_mcse": np.array([mean_error(series) for series in slope]),
        "z": np.divide(_means(gap), error, out=np.zeros_like(error), where=error > 0),
    }


def _nothing(rungs: int) -> dict[str, np.ndarray]:
    """The columns of a component with no chain left."""
    names = ("llc", "mcse", "slope", "slope_mcse", "variance_form", "variance_form_mcse")
    absent = {name: np.full(rungs, np.nan) for name in (*names, "slope_form", "slope_form_mcse")}
    return {**absent, "z": np.full(rungs, np.nan), "remark": np.full(rungs, "no chain is left")}


def _means(series: np.ndarray) -> np.ndarray:
    means: np.ndarray = series.mean((1, 2))
    return means


def _errors(series: np.ndarray, probe: np.ndarray) -> np.ndarray:
    return np.array([loss_error(a, b) for a, b in zip(series, probe, strict=True)])
