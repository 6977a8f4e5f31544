"""Several components at once: series that walked over the same minibatches with the same noise.

What is computed of several components is a linear combination of their series, and its error that
of the combined series: components are dependent, and adding their variances gives a wrong error.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import at_least
from somite.core.errors import InputError, nearest
from somite.estimators.series import check_settings, good_chains, reference, scale
from somite.sampling.convergence import LEAST_DRAWS, loss_error

FREE = ("error_reached",)
ALIKE = "Sample all in one call, or with the same settings, n_beta and localization included."


@dataclass(frozen=True, eq=False)
class Joint:
    """Series of several components over the chains that are good in all of them, times n_beta.

    Args:
        loss: Of each component (chain, draw), on minibatches.
        probe: Of each component (chain, probe draw), on the reference probe; no draws without.
        draws: What they come from, good chains only.
        chains_failed: Chains left out.
    """

    loss: Mapping[str, np.ndarray]
    probe: Mapping[str, np.ndarray]
    draws: xr.Dataset
    chains_failed: int

    def combined(self, weights: Mapping[str, float]) -> np.ndarray:
        """Σ weight · loss (chain, draw)."""
        return _combined(self.loss, weights)

    def combined_probe(self, weights: Mapping[str, float]) -> np.ndarray:
        """Σ weight · loss on the probe (chain, probe draw)."""
        return _combined(self.probe, weights)

    def estimate(self, weights: Mapping[str, float]) -> tuple[float, float]:
        """Σ weight · λ̂ and its error, the larger of those on minibatches and on the probe."""
        series = self.combined(weights)
        return float(series.mean()), loss_error(series, self.combined_probe(weights))


def joint(draws: xr.Dataset, names: Sequence[str], on_failure: str = "raise") -> Joint | None:
    """Series of some components; None if no chain is good in all of them.

    Args:
        draws: From `joined`.
        names: Components; each must be there.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed in any of them.
    """
    parts = {name: draws.sel(component=name) for name in names}
    good = np.all([good_chains(part, on_failure) for part in parts.values()], axis=0)
    if not good.any():
        return None
    n_beta = scale(draws)
    return Joint(
        {name: n_beta * part.loss.values[good] for name, part in parts.items()},
        {name: n_beta * reference(part)[good] for name, part in parts.items()},
        draws.isel(chain=good),
        int((~good).sum()),
    )


def joined(draws: xr.Dataset | Sequence[xr.Dataset]) -> xr.Dataset:
    """Draws of several runs as one, if all settings of the runs agree.

    Args:
        draws: From one `somite.sample`, or from several that differ in their components alone:
            such runs share minibatches and noise as if they were one.

    Returns:
        The draws of all components.

    Raises:
        InputError: If settings differ (the first such is named), a component is there twice, or
            there are too few draws.
    """
    runs = [draws] if isinstance(draws, xr.Dataset) else list(draws)
    at_least("number of runs", len(runs), 1, "Pass draws of `somite.sample`.")
    check_settings(runs, FREE, ALIKE)
    names = [str(name) for run in runs for name in run.component.values]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError("components of the runs", "must differ", twice, "Leave one run out.")
    at_least("number of draws", min(run.sizes["draw"] for run in runs), LEAST_DRAWS, "Draw more.")
    if len(runs) == 1:
        return runs[0]
    how: dict[str, Any] = {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
    return xr.concat(runs, "component", join="outer", combine_attrs="override", **how)


def total(draws: xr.Dataset) -> tuple[float, float]:
    """Sum of the coefficients of all components, with its joint error.

    Args:
        draws: From `joined`; chains that failed in any component are left out.

    Returns:
        Value and error; NaN if no chain is good in all components.
    """
    names = [str(name) for name in draws.component.values]
    series = joint(draws, names, "leave out")
    return series.estimate(dict.fromkeys(names, 1.0)) if series else (math.nan, math.nan)


def require_components(draws: xr.Dataset, names: Sequence[str], remedy: str) -> None:
    """Require that components are among the draws.

    Raises:
        InputError: If one is not.
    """
    known = [str(name) for name in draws.component.values]
    for name in names:
        if name not in known:
            rule = "must be among the components of the draws"
            raise InputError(f"component {name}", rule, known, f"{remedy} {nearest(name, known)}")


def require_whole(draws: xr.Dataset, parts: Sequence[str], whole: str) -> None:
    """Require that disjoint parts make up a whole, by their numbers of weights.

    Raises:
        InputError: If they have more weights than it, or fewer.
    """
    sizes = {name: int(draws["size"].sel(component=name)) for name in (*parts, whole)}
    total = sum(sizes[name] for name in parts)
    if total == sizes[whole]:
        return
    got = f"{total} weights of {sizes[whole]}"
    remedy = "Make the masks with `pairs` or `modules`, which name what overlaps."
    rule = "must not overlap" if total > sizes[whole] else "must cover the whole"
    raise InputError(f"components {', '.join(parts)} of {whole}", rule, got, remedy)


def _combined(series: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    total = np.zeros_like(series[next(iter(weights))])
    for name, weight in weights.items():
        total += weight * series[name]
    return total
