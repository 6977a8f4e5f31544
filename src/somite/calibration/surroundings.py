"""The map: what a few components give at settings around the choice."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import count, product

import numpy as np
import xarray as xr

from somite.calibration.reach import half_decade, nearest_notch
from somite.calibration.search import COMPONENTS, Search, Searcher
from somite.calibration.trial import Problem, Setting, run_trials

FEW = 2
"""Components on the map."""
CHAINS, MOST_DRAWS = 4, 200
FACTORS = (0.25, 3.0)
"""Of ε, at the chosen scale."""
KEPT = ["llc", "mcse", "verdict", "reason"]


def surroundings(
    searcher: Searcher, found: Search, whole: bool, say: Callable[[str], None]
) -> xr.Dataset:
    """Sample a few components of the last checkpoint around the chosen setting.

    Args:
        searcher: Knows the problem.
        found: The choice.
        whole: Whether to sample anything; else the map holds the choice alone.
        say: Called with what is being done.

    Returns:
        Over (trial, component): `llc`, `mcse`, `verdict`, `reason`; over trial: `n_beta`,
        `localization`, `step_size`, `draws` and `chosen`. The first trial is the chosen one, with
        the numbers on which the choice rests.
    """
    problem = last_checkpoint(searcher.spread(COMPONENTS, FEW))
    center = found.best.setting
    settings = neighbours(searcher, center) if whole else []
    tables = [found.best.table.isel(checkpoint=-1).sel(component=list(problem.masks))[KEPT]]
    draws = min(found.best.draws, MOST_DRAWS)
    number = count(1)

    def ended() -> None:
        say(f"map: {next(number)} of {len(settings)} settings")

    for trial in run_trials(problem, settings, CHAINS, draws, ended):
        tables.append(trial.table.isel(checkpoint=0)[KEPT])
    shown = [center, *settings]
    numbers = {
        "n_beta": ("trial", [s.n_beta for s in shown]),
        "localization": ("trial", [s.localization for s in shown]),
        "step_size": ("trial", [s.kernel.step_size for s in shown]),
        "draws": ("trial", [found.best.draws, *[draws] * len(settings)]),
        "chosen": ("trial", np.arange(len(shown)) == 0),
    }
    plain = [table.drop_vars("checkpoint", errors="ignore") for table in tables]
    return xr.concat(plain, "trial", combine_attrs="drop").assign(numbers)


def last_checkpoint(problem: Problem) -> Problem:
    """The same components at the last checkpoint alone."""
    name, center = list(problem.centers.items())[-1]
    return replace(problem, centers={name: center})


def neighbours(searcher: Searcher, center: Setting) -> list[Setting]:
    """Half a decade around in n_beta and localization, and other steps at the same scale."""
    notch, found = nearest_notch(center.localization), []
    for up, aside in product((-1, 0, 1), repeat=2):
        if (up, aside) != (0, 0):
            n_beta = _half_decade_from(center.n_beta, up)
            found.append(searcher.at(n_beta, notch + aside, center.shrink, center.patience))
    for factor in FACTORS:
        found.append(searcher.at(center.n_beta, notch, center.shrink * factor, center.patience))
    return found


def _half_decade_from(value: float, up: int) -> float:
    """So many half decades above a value; on the grid if the value is."""
    notch = nearest_notch(value)
    if value == half_decade(notch):
        return half_decade(notch + up)
    return float(f"{value * math.sqrt(10) ** up:.2g}") if up else value
