"""How components answer to domains and tokens, beside a control without loss.

Without loss the chains spread further, so that χ of the control is larger all over. What counts is
what a factor cannot explain: the control is multiplied by the one factor of each component that
fits its χ of all tokens best, b = Σ χ χ_c / (Σ χ_c² − Σ mcse_c²), before the difference is taken.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from scipy.stats import norm

from somite.components.unions import FULL
from somite.core.errors import InputError
from somite.estimators.control import control_check
from somite.response import contrast, group_losses, response_matrix, susceptibility
from somite.response.matrix import effective_rank, shuffled_values
from somite.response.susceptibility import adjusted
from somite.study.recorded_cells import Losses

RUNS = ("posterior", "control", "shuffled")
"""Shuffled: the tokens of the posterior's matrix, for every component apart."""
SHUFFLES = 20
LEVEL = 0.05
MODES = ("singular_value", "singular_value_error", "explained", "overlap")
BY_MODE = ("loading", "loading_error")
RANKS = ("effective_rank", "effective_rank_error")
LEAVE = "leave out"
Columns = dict[str, tuple[Any, ...]]


def response_tables(
    own: Losses, control: Losses, domains: Sequence[str], replicates: int, seed: int
) -> xr.Dataset:
    """Susceptibilities to domains and tokens, and the modes of the matrix over all tokens.

    Chains that failed are left out, and the component named full is.

    Args:
        own: Losses at draws around a checkpoint, all examples of one length.
        control: The same at n_beta = 0, with another seed.
        domains: Of each example.
        replicates: Of the bootstrap of the modes.
        seed: Of that bootstrap.

    Returns:
        For level "domain", over (component, group), and "token", over (component, example, token):
        `LEVEL_susceptibility`, `LEVEL_mcse`, `LEVEL_q`; of the control `LEVEL_control` and
        `LEVEL_control_mcse`, `LEVEL_control_q` of the difference to it times `control_scale` (each
        q adjusted over its table); over component `LEVEL_null_share` and `LEVEL_null_found`, the
        shares of p ≤ 0.05 and of q ≤ 0.05 where nothing is to be found. Over (run, mode) the
        numbers of `somite.response_matrix` of the tokens, for the posterior, the control and
        `somite.response.matrix.shuffled_values` (without loadings); over mode `singular_value_q`
        of the difference to the control; over run `effective_rank`, its error and
        `chains_failed`. Over component `control_z` of the control against its closed form, and
        `control_correlation`, of χ with that of the control over the tokens, freed of the noise of
        both. `domain` of each example. Attributes of the draws.

    Raises:
        InputError: If there are too few good chains or draws, or a component has none.
    """
    own, control = _parts(own), _parts(control)
    found, scale = _tokens(own, control, replicates, seed)
    found |= _domains(own, control, domains, scale)
    table = xr.Dataset(found, {"component": own.draws.component.values}, own.draws.attrs)
    table["control_z"] = "component", _control_z(control.draws)
    names = list(dict.fromkeys(domains))
    coords = {"run": list(RUNS), "group": names, "mode": np.arange(table.sizes["mode"])}
    table = table.assign_coords(coords)
    table["domain"] = "example", list(domains)
    return table


def _parts(one: Losses) -> Losses:
    """Without the component in which all weights move: it answers to everything."""
    kept = one.draws.component.values != FULL
    if kept.all():
        return one  # not loaded
    return Losses(one.draws.isel(component=kept), one.loss.isel(component=kept))


def _domains(own: Losses, control: Losses, domains: Sequence[str], scale: xr.DataArray) -> Columns:
    """Columns of the level domain."""
    losses = [group_losses(one.loss, domains) for one in (own, control)]
    found, other = (
        susceptibility(one.draws, loss, on_failure=LEAVE)
        for one, loss in zip((own, control), losses, strict=True)
    )
    null = susceptibility(own.draws, losses[0], null=True, on_failure=LEAVE)
    return _level("domain", (found, other, null), scale)


def _tokens(
    own: Losses, control: Losses, replicates: int, seed: int
) -> tuple[Columns, xr.DataArray]:
    """Columns of the level token and of the modes, and the factor of the control."""
    tables = [
        response_matrix(one.draws, one.loss, replicates=replicates, seed=seed, on_failure=LEAVE)
        for one in (own, control)
    ]
    null = susceptibility(own.draws, own.loss, null=True, on_failure=LEAVE)
    scale, correlation = _shared(*tables)
    columns = _level("token", (*tables, null), scale) | _modes(tables, seed)
    columns["control_scale"] = "component", scale.values
    columns["control_correlation"] = "component", correlation.values
    return columns, scale


def _modes(tables: Sequence[xr.Dataset], seed: int) -> Columns:
    """Singular values, loadings and ranks of every run; the shuffled one has no loadings."""
    shuffled = shuffled_values(tables[0], SHUFFLES, seed)
    ranks, squares = effective_rank(shuffled), (shuffled**2).mean(0)
    third = {
        "singular_value": shuffled.mean(0),
        "singular_value_error": shuffled.std(0, ddof=1),
        "explained": squares / squares.sum(),
        "effective_rank": ranks.mean(),
        "effective_rank_error": ranks.std(ddof=1),
        "chains_failed": int(tables[0].chains_failed),
    }
    columns: Columns = {"singular_value_q": ("mode", _difference_q(*tables))}
    for name in (*MODES, *BY_MODE, *RANKS, "chains_failed"):
        values = [table[name].values for table in tables]
        nothing = np.full(values[0].shape, np.nan)
        dims = ("run", *tables[0][name].dims)
        columns[name] = dims, np.stack([*values, np.asarray(third.get(name, nothing))])
    return columns


def _shared(found: xr.Dataset, control: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Factor of the control that fits best, and correlation with it, both without the noise.

    Where nothing is left of the control beside its noise, 0 and NaN.
    """
    x, y = found.susceptibility, control.susceptibility
    items = x.dims[1:]
    square = (y**2 - control.mcse**2).sum(items)
    scale = ((x * y).sum(items) / square).where(square > 0, 0.0)
    spread = [
        (one.susceptibility.var(items) - (one.mcse**2).mean(items)) for one in (found, control)
    ]
    known = (spread[0] > 0) & (spread[1] > 0)
    size = np.sqrt((spread[0] * spread[1]).where(known))
    return scale, (xr.cov(x, y, items, ddof=0) / size).clip(-1, 1)


def _level(level: str, tables: Sequence[xr.Dataset], scale: xr.DataArray) -> Columns:
    """Columns of one level; single precision, as there may be many tokens."""
    found, control, null = tables
    scaled = {"susceptibility": scale * control.susceptibility, "mcse": abs(scale) * control.mcse}
    versus = contrast(found, control.assign(scaled))
    dims = found.susceptibility.dims
    columns = {
        "susceptibility": found.susceptibility,
        "mcse": found.mcse,
        "q": found.p_adjusted,
        "control": control.susceptibility,
        "control_mcse": control.mcse,
        "control_q": versus.p_adjusted,
    }
    items = null.p_value.dims[1:]
    shares = {
        "null_share": (null.p_value <= LEVEL).mean(items),
        "null_found": (null.p_adjusted <= LEVEL).mean(items),
    }
    return {
        **{f"{level}_{n}": (dims, v.values.astype(np.float32)) for n, v in columns.items()},
        **{f"{level}_{n}": ("component", v.values) for n, v in shares.items()},
    }


def _difference_q(found: xr.Dataset, control: xr.Dataset) -> np.ndarray:
    """Two-sided q of the differences of singular values, of the same place in their order."""
    error = np.hypot(found.singular_value_error, control.singular_value_error)
    off = abs(found.singular_value - control.singular_value)
    return adjusted(2 * norm.sf((off / error).where(error > 0, 0.0)))


def _control_z(draws: xr.Dataset) -> np.ndarray:
    """Of the distance of the control from its center; NaN where too few draws were kept."""
    try:
        z: np.ndarray = control_check(draws).z.values
    except InputError:
        return np.full(draws.sizes["component"], np.nan)
    return z
