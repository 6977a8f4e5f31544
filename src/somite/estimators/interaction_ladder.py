"""Interaction over a ladder of temperatures, and the mutual information that it adds up to.

    F_A + F_B − F_AB = pmi(u*; v*),   dF/d log n_beta = λ   ⇒   d pmi / d log n_beta = I
    pmi = ∫ I d log n_beta,   by the trapezoidal rule over the rungs

F are the free energies of the posteriors in which A, B or both move, pmi the pointwise mutual
information of the two sets of weights at the center. At a regular minimum I goes to 0 with growing
n_beta however strong the coupling; pmi does not.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from somite.components.unions import union_name
from somite.core.checks import at_least, one_of
from somite.core.errors import InputError
from somite.estimators.interaction import (
    NO_CHAIN,
    Pair,
    chosen_pairs,
    pair_coordinates,
    weights,
)
from somite.estimators.joint import joined, joint
from somite.estimators.ladder import FREE
from somite.estimators.series import check_agree, good_chains, scale
from somite.sampling.convergence import loss_error

LEAST_RUNGS = 2


def interaction_ladder(
    runs: Sequence[xr.Dataset],
    pairs: Sequence[Pair] | None = None,
    on_failure: str = "raise",
) -> xr.Dataset:
    """Estimate I at every n_beta, and the mutual information from the first rung to the last.

    Errors come from the joint (chain, draw) series; that of the integral from the weighted sum of
    the series of all rungs, so that rungs may share their noise. What lies below the first rung is
    not in the integral: in a quadratic basin I falls there at least as fast as n_beta², and no more
    than about half of the first I is missed once n_beta·curvature is below localization. The
    trapezoid is exact for I linear in log n_beta: rungs a factor of 2 or less apart do well.

    Args:
        runs: Draws at two or more n_beta, each as `interaction` takes it, all else but burn_in and
            seed alike.
        pairs: Names (A, B); all whose union "A|B" is there if left out.
        on_failure: "raise" if a chain failed, or "leave out" chains that failed at any rung, and
            count them.

    Returns:
        Over (pair, n_beta): `interaction`, `mcse`; over pair: `pmi` and `pmi_mcse` in nats,
        `remark`, `chains_failed`.

    Raises:
        InputError: If there are fewer than two rungs, two have the same n_beta, they differ in
            another setting, or a pair is incomplete.

    Source: Watanabe 2009, chapter 6 for F; the identities are derived in the module's head.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: (model.weight.sum() ** 2).expand(len(batch))
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> masks = {"A": so.Mask({"weight": torch.tensor([[True, False]])}),
        ...          "B": so.Mask({"weight": torch.tensor([[False, True]])})}
        >>> rungs = [so.sample(model, so.Target(loss, torch.zeros(1), n_beta, 1),
        ...                    so.BAOAB(0.2, 2.0), components=so.pairs(masks), draws=40)
        ...          for n_beta in (5, 10)]
        >>> dict(interaction_ladder(rungs).interaction.sizes)
        {'pair': 1, 'n_beta': 2}
    """
    one_of("on_failure", on_failure, ("raise", "leave out"))
    rungs = sorted((joined(run) for run in runs), key=scale)
    at_least("number of rungs", len(rungs), LEAST_RUNGS, "Sample at more values of n_beta.")
    places = [scale(run) for run in rungs]
    if len(set(places)) < len(places):
        raise InputError("n_beta of the rungs", "must differ", places, "Leave one out.")
    check_agree(rungs, FREE, "Sample all rungs alike, apart from n_beta, burn_in and seed.")
    chosen = chosen_pairs(rungs[0], pairs)
    rows = [_row(rungs, np.log(places), pair, on_failure) for pair in chosen]
    table = xr.concat(rows, "pair")
    attrs = {name: value for name, value in rungs[0].attrs.items() if name not in FREE}
    coords = {**pair_coordinates(chosen), "n_beta": places}
    return table.assign_coords(coords).assign_attrs(attrs)


def trapezoid_weights(places: np.ndarray) -> np.ndarray:
    """Weights of values at places in the trapezoidal rule.

    Args:
        places: Ascending (rung,).

    Example:
        >>> trapezoid_weights(np.array([0.0, 1.0, 3.0]))
        array([0.5, 1.5, 1. ])
    """
    steps = np.diff(places)
    found: np.ndarray = (np.append(steps, 0.0) + np.append(0.0, steps)) / 2
    return found


def _row(rungs: list[xr.Dataset], places: np.ndarray, pair: Pair, on_failure: str) -> xr.Dataset:
    rungs, failed = _good(rungs, [*pair, union_name(pair)], on_failure)
    found = [joint(run, [*pair, union_name(pair)]) for run in rungs]
    series = [one for one in found if one is not None]
    if not series:
        absent = np.full(len(rungs), np.nan)
        numbers: dict[str, Any] = {name: ("n_beta", absent) for name in ("interaction", "mcse")}
        none = {"pmi": np.nan, "pmi_mcse": np.nan, "remark": NO_CHAIN}
        return xr.Dataset({**numbers, **none, "chains_failed": failed})
    estimates = np.array([one.estimate(weights(pair)) for one in series])
    parts = trapezoid_weights(places)
    whole, probe = (
        sum(part * values for part, values in zip(parts, rows, strict=True))
        for rows in (
            [one.combined(weights(pair)) for one in series],
            [one.combined_probe(weights(pair)) for one in series],
        )
    )
    columns = {
        "interaction": ("n_beta", estimates[:, 0]),
        "mcse": ("n_beta", estimates[:, 1]),
        "pmi": float(parts @ estimates[:, 0]),
        "pmi_mcse": loss_error(np.asarray(whole), np.asarray(probe)),
        "remark": "",
        "chains_failed": failed,
    }
    return xr.Dataset(columns)


def _good(
    rungs: list[xr.Dataset], names: list[str], on_failure: str
) -> tuple[list[xr.Dataset], int]:
    """The rungs without chains that failed anywhere, and how many these are."""
    parts = [run.sel(component=name) for run in rungs for name in names]
    good = np.all([good_chains(part, on_failure) for part in parts], axis=0)
    return [run.isel(chain=good) for run in rungs], int((~good).sum())
