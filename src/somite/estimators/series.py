"""What the estimators share: series of good chains, one row per component, runs that must agree."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import at_least, one_of, positive
from somite.core.errors import InputError
from somite.sampling.convergence import LEAST_DRAWS, mean_error
from somite.sampling.draws import REFERENCE
from somite.sampling.status import failed

Row = Mapping[str, Any]


def tabulate(
    draws: xr.Dataset,
    row: Callable[[xr.Dataset], Row],
    on_failure: str = "raise",
    least_chains: int = 1,
) -> xr.Dataset:
    """One row per component, made from its good chains.

    Args:
        draws: From `somite.sample`.
        row: Makes the columns from the good chains of one component; one is named `remark`.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.
        least_chains: Fewest good chains that a row can be made of.

    Returns:
        The columns over component, and `chains_failed`; a component with too few chains left has
        NaN, and a remark that says so. The attributes are those of the draws.

    Raises:
        InputError: If there are too few draws or chains, or a chain failed.
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    at_least("number of draws", draws.sizes["draw"], LEAST_DRAWS, "Sample longer.")
    at_least("number of chains", draws.sizes["chain"], least_chains, "Sample more chains.")
    rows = []
    for name in draws.component.values:
        one = draws.sel(component=name)
        good = good_chains(one, on_failure)
        enough = good.sum() >= least_chains
        found = row(one.isel(chain=good)) if enough else {"remark": "too few chains are left"}
        rows.append(xr.Dataset({**found, "chains_failed": int((~good).sum())}))
    if all(len(found.data_vars) == 2 for found in rows):
        rule, remedy = f"must have {least_chains} good chains", "Mend the sampler settings."
        raise InputError("each component", rule, "fewer in all of them", remedy)
    table = xr.concat(rows, "component", data_vars="all", coords="minimal", join="outer")
    return table.assign_coords(component=draws.component).assign_attrs(draws.attrs)


def good_chains(draws: xr.Dataset, on_failure: str) -> np.ndarray:
    """Which chains of one component did not fail (chain,).

    Raises:
        InputError: If one failed and that is not to be passed over.
    """
    good = np.array([not failed(str(status)) for status in draws.status.values], dtype=bool)
    if on_failure == "raise" and not good.all():
        name, status = str(draws.component.values), str(draws.status.values[~good][0])
        remedy = 'Mend the sampler settings, or pass on_failure="leave out".'
        rule = "must have chains that all ended well"
        raise InputError(f"component {name}", rule, status, remedy)
    return good


def scale(draws: xr.Dataset) -> float:
    """n_beta of the draws.

    Raises:
        InputError: If it is 0.
    """
    remedy = "Sample with a positive n_beta; n_beta = 0 is the control run without any loss."
    return positive("n_beta of the draws", draws.attrs["n_beta"], remedy)


def reference(draws: xr.Dataset) -> np.ndarray:
    """Losses on the reference probe (…, chain, probe draw); no draws without one."""
    if REFERENCE not in draws.probe.values:
        return np.empty((*draws.status.shape, 0))
    values: np.ndarray = draws.probe_loss.sel(probe=REFERENCE).values
    return values


def check_agree(runs: Sequence[xr.Dataset], free: Sequence[str], remedy: str) -> None:
    """Require the same components, and the same settings apart from a few.

    Args:
        runs: Draws that are to be combined.
        free: Settings that may differ.
        remedy: What to do.

    Raises:
        InputError: If they differ; the first setting that does is named.
    """
    first = [str(name) for name in runs[0].component.values]
    for run in runs[1:]:
        if (other := [str(name) for name in run.component.values]) != first:
            raise InputError("components of the runs", "must be the same", [first, other], remedy)
    check_settings(runs, free, remedy)


def check_settings(runs: Sequence[xr.Dataset], free: Sequence[str], remedy: str) -> None:
    """Require the same settings apart from a few.

    Raises:
        InputError: If they differ; the first setting that does is named.
    """
    for name in dict.fromkeys(name for run in runs for name in run.attrs):
        values = [run.attrs.get(name) for run in runs]
        if name not in free and any(value != values[0] for value in values):
            raise InputError(f"{name} of the runs", "must be the same", values, remedy)


def explain_sign(llc: float, mcse: float) -> str:
    """What a negative estimate says; empty for any other."""
    if not llc < 0:
        return ""
    if llc < -2 * mcse:
        return (
            "negative by more than 2 errors: the chains found a lower loss than at the center, "
            "which is no minimum; train on, or raise localization"
        )
    return "negative within its error: take more draws"


def ratio(part: np.ndarray, whole: np.ndarray) -> tuple[float, float]:
    """Mean of one series over that of another.

    Args:
        part: (chain, draw).
        whole: The same chains and draws.

    Returns:
        The ratio, and its error from the series (part − ratio·whole) / mean of the whole, its
        first-order change; both NaN if that mean is 0.
    """
    mean = float(whole.mean())
    if not mean:
        return float("nan"), float("nan")
    value = float(part.mean()) / mean
    return value, mean_error((part - value * whole) / mean)
