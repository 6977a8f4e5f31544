"""Correction of the step-size bias by Richardson extrapolation.

    λ(step) = λ(0) + c·step^p + …   gives   λ(0) ≈ (2^p · λ̂(step) − λ̂(2·step)) / (2^p − 1)

p = 1 for SGLD, minibatches included: weights 2 and −1. p = 2 for BAOAB with full gradients: weights
4/3 and −1/3; without any momentum (friction = inf) p = 4: 16/15 and −1/15.
"""

import math

import numpy as np
import xarray as xr

from somite.core.errors import InputError
from somite.estimators.series import check_agree, explain_sign, reference, scale, tabulate
from somite.sampling.convergence import loss_error

REFUSED = {
    "RMSpropSGLD": "each run learns steps of its own, so that they are not in the ratio 2",
    "AdamSGLD": "each run learns steps of its own, so that they are not in the ratio 2",
    "SGNHT": "its thermostat answers to the gradient noise, so that no one order holds",
    "MALA": "it accepts and rejects, and has no step bias",
    "HMC": "it accepts and rejects, and has no step bias",
}
"""Kernels that cannot be extrapolated, and why."""
FREE = ("step_size", "thin", "draws", "burn_in", "seed", "probe_every", "error_reached")
"""Settings in which the two runs may differ."""
SAME = 0.01
"""Relative difference of step · draws that passes."""


def richardson(fine: xr.Dataset, coarse: xr.Dataset, on_failure: str = "raise") -> xr.Dataset:
    """Extrapolate λ̂ to a step of zero from draws at a step and at twice that step.

    The two runs are independent (different seeds), each error is that of `somite.llc`, and they
    are propagated: √((w₁·mcse₁)² + (w₂·mcse₂)²). The result has less bias and more error than the
    plain estimate beside it. Near the largest stable step higher orders take over, and it can be
    worse than the plain one in bias too.

    Args:
        fine: From `somite.sample` with SGLD, or with BAOAB and full gradients.
        coarse: The same at twice the step, with another seed, and half as many draws (or half the
            thinning), so that step · thin · draws is the same.
        on_failure: "raise" if a chain failed, or "leave out" such chains and count them.

    Returns:
        Over component, dimensionless: `llc`, `mcse` (extrapolated), `plain_llc`, `plain_mcse` (of
        the fine run), `remark`, `chains_failed` (of both runs). The attributes are those of the
        fine run.

    Raises:
        InputError: If the kernel has no known order, or the runs do not go together.

    Source: Richardson (1911); orders of SGLD: Durmus et al. (2016, Richardson–Romberg), of BAOAB:
    Leimkuhler and Matthews (2013).

    Example:
        >>> import somite as so, torch
        >>> loss = lambda model, batch: model(batch).flatten() ** 2
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> _ = model.weight.data.zero_()
        >>> target = so.Target(loss, torch.ones(1, 1), n_beta=10, localization=1)
        >>> fine, coarse = (
        ...     so.sample(model, target, so.SGLD(step), components="full", draws=draws, seed=draws)
        ...     for step, draws in ((0.02, 80), (0.04, 40)))
        >>> found = richardson(fine, coarse)
        >>> bool(found.mcse > found.plain_mcse)
        True
    """
    n_beta = scale(fine)
    order = _order(fine)
    _check(fine, coarse)

    def row(one: xr.Dataset) -> dict[str, float | str]:
        loss = n_beta * one.loss.values
        mcse = loss_error(loss, n_beta * reference(one))
        return {"llc": float(loss.mean()), "mcse": mcse, "remark": ""}

    plain, other = (tabulate(run, row, on_failure) for run in (fine, coarse))
    weight = 2**order / (2**order - 1)
    llc = weight * plain.llc + (1 - weight) * other.llc
    mcse = np.hypot(weight * plain.mcse, (1 - weight) * other.mcse)
    remarks = [explain_sign(*pair) for pair in zip(llc.values, mcse.values, strict=True)]
    missing = [a or b for a, b in zip(plain.remark.values, other.remark.values, strict=True)]
    told = [b or a for a, b in zip(remarks, missing, strict=True)]
    found = {"llc": llc, "mcse": mcse, "plain_llc": plain.llc, "plain_mcse": plain.mcse}
    table = xr.Dataset({**found, "remark": ("component", told)}, attrs=fine.attrs)
    return table.assign(chains_failed=plain.chains_failed + other.chains_failed)


def _order(draws: xr.Dataset) -> int:
    """Order p of the step bias.

    Raises:
        InputError: If it is not known.
    """
    kernel = str(draws.attrs["kernel"])
    if kernel == "SGLD":
        return 1
    if kernel != "BAOAB":
        reason = REFUSED.get(kernel, "the order of its step bias is not known")
        rule, remedy = f"must be SGLD or BAOAB: {reason}", "Use the plain estimate."
        raise InputError("kernel of the draws", rule, kernel, remedy)
    if not draws.attrs["full_gradients"]:
        rule = "must be the whole data for BAOAB: minibatch noise adds a bias of first order"
        found = draws.attrs["batch_size"]
        raise InputError("batch of the draws", rule, found, "Sample with batch_size=None.")
    return 4 if math.isinf(draws.attrs["friction"]) else 2


def _check(fine: xr.Dataset, coarse: xr.Dataset) -> None:
    """Require runs that differ in the step alone, as independent and as long as each other.

    Raises:
        InputError: If they do not go together.
    """
    check_agree([fine, coarse], FREE, "Sample both alike, apart from the step.")
    steps = [run.attrs["step_size"] for run in (fine, coarse)]
    if not math.isclose(steps[1], 2 * steps[0], rel_tol=1e-6):
        rule, remedy = "must be that of the fine run and its double", "Sample at twice the step."
        raise InputError("step_size of the two runs", rule, steps, remedy)
    lengths = [run.attrs["step_size"] * run.attrs["thin"] * run.sizes["draw"]
               for run in (fine, coarse)]  # fmt: skip
    if not math.isclose(*lengths, rel_tol=SAME):
        remedy = "Take half as many draws at twice the step."
        raise InputError("step_size · thin · draws", "must be the same in both", lengths, remedy)
    if fine.attrs["seed"] == coarse.attrs["seed"]:
        rule = "must differ: equal seeds share their noise, and errors would not add up"
        raise InputError("seed of the two runs", rule, fine.attrs["seed"], "Change one.")
