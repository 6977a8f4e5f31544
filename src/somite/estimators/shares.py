"""Shares of the pull of the loss, and how far the basin is from a quadratic one.

    ν = n_beta · E[½ Δw·∂L]   over all moved weights, or over a block       (gradient form)
    R = λ̂ / ν,   λ̂ = n_beta · E[L(w) − L(w*)]                              (anharmonicity)

Δw = w − w*. In a quadratic basin around its minimum R = 1, for a loss of degree 2k it is 1/k,
whatever the sampler. The second-moment form ½(d + (ε/4)E‖G‖² − γE‖Δw‖²) has the same mean under
SGLD and serves as a check.
"""

from typing import Any

import numpy as np
import xarray as xr

from somite.core.checks import positive
from somite.estimators.series import ratio, scale, tabulate
from somite.estimators.sgld_balance import check_balance, imbalance
from somite.sampling.convergence import mean_error

TOLERANCE = 0.05
"""Distance of the anharmonicity from 1 that is worth a remark."""
ERRORS = 2.0
"""By how many errors it must be beyond the tolerance."""


def shares(draws: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """Share of every component and block, and the anharmonicity.

    All errors come from the joint (chain, draw) series; that of the ratio R from the series
    (n_beta·loss − R·share)/ν, the ratio's first-order change.

    Args:
        draws: From `somite.sample`, with any kernel.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over component, dimensionless: `share`, `share_mcse`, `anharmonicity`,
        `anharmonicity_mcse`, `remark` (in words, if R differs from 1 by more than 0.05 and 2
        errors, or ν is not above 0 by 2 errors), `chains_failed`; with blocks `block_share` and
        `block_share_mcse` (component, block), NaN for a block that the component does not move.

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: model(batch).flatten() ** 4
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> target = so.Target(loss, torch.ones(1, 1), n_beta=10, localization=1)
        >>> draws = so.sample(model, target, so.SGLD(0.01), components="full", chains=2, draws=20)
        >>> round(shares(draws).anharmonicity.item(), 6)
        0.5
    """
    n_beta = scale(draws)
    table = tabulate(draws, lambda one: _row(one, n_beta), on_failure)
    return table.assign_coords(block=draws.block) if "block" in draws.dims else table


def second_moment_shares(draws: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """Share in the second-moment form ½(d + (ε/4)E‖G‖² − γE‖Δw‖²), against the gradient form.

    Both have the same mean once SGLD has settled; the second moment is far noisier. A large
    difference says that the chains have not settled.

    Args:
        draws: From `somite.sample` with SGLD, localization, no weight decay and no bounding box.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over component, dimensionless: `share`, `share_mcse`, `second_moment`,
        `second_moment_mcse`, `z` (the difference in units of its own error, from the joint
        series), `remark`, `chains_failed`.
    """
    n_beta = scale(draws)
    check_balance(draws)
    remedy = "Sample with a localization, which the second moment is compared with."
    positive("localization of the draws", draws.attrs["localization"], remedy)
    return tabulate(draws, lambda one: _check_row(one, n_beta), on_failure)


def gate(draws: xr.Dataset) -> dict[str, Any]:
    """Whether the theorems of quadratic basins hold for a component.

    Args:
        draws: Of one component, good chains only.

    Returns:
        `anharmonicity`, `anharmonicity_mcse`, `remark` as in `shares`.
    """
    loss, share = draws.loss.values, draws.share.values
    value, error = ratio(loss, share)
    words = _remark(float(share.mean()), mean_error(share), value, error)
    return {"anharmonicity": value, "anharmonicity_mcse": error, "remark": words}


def _row(draws: xr.Dataset, n_beta: float) -> dict[str, Any]:
    share = n_beta * draws.share.values
    found = {"share": float(share.mean()), "share_mcse": mean_error(share), **gate(draws)}
    if "block_share" in draws:
        blocks = n_beta * draws.block_share.transpose("block", "chain", "draw").values
        errors = [mean_error(b) if np.isfinite(b).all() else float("nan") for b in blocks]
        found["block_share"] = ("block", blocks.mean((1, 2)))
        found["block_share_mcse"] = ("block", errors)
    return found


def _check_row(draws: xr.Dataset, n_beta: float) -> dict[str, Any]:
    share = n_beta * draws.share.values
    gap = -imbalance(draws) / 2
    second = share + gap
    error = mean_error(gap)
    z = float(gap.mean()) / error if error else 0.0
    settled = "" if abs(z) <= 4 else "the two forms disagree: not settled, raise burn_in"
    return {
        "share": float(share.mean()),
        "share_mcse": mean_error(share),
        "second_moment": float(second.mean()),
        "second_moment_mcse": mean_error(second),
        "z": z,
        "remark": settled,
    }


def _remark(share: float, share_error: float, anharmonicity: float, error: float) -> str:
    """What the anharmonicity says; empty if it is as for a quadratic basin, or not told apart."""
    if not share > ERRORS * share_error:
        return "the share is not above 0 by 2 errors: no minimum at the center, or too few draws"
    away = abs(anharmonicity - 1) - TOLERANCE
    if not away > ERRORS * error:
        return ""
    told = f"anharmonicity {anharmonicity:.2f} ± {error:.2f}"
    if anharmonicity < 1:
        return f"{told}, below 1: degenerate, the loss rises faster than a quadratic"
    return f"{told}, above 1: flat away from the center, or the chains have not mixed"
