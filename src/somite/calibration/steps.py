"""The step of a kernel, and the length of its chains, from the stiffest and the softest direction.

The stiffest direction bounds the step. The softest, which localization alone holds, is the slowest:
SGLD forgets it in 2/(εγ) steps, BAOAB in about friction/(2γh), near the root of that. Friction
2·√γ would be the fastest there, but minibatches heat a chain by h·s²/(2·friction): it is set to
2·(aγ)^¼, between the critical one of the softest and that of the stiffest direction. A burn-in
lasts until the variance of no direction is short of its stationary one by more than 10⁻⁴, of which
it is short after k steps by

    SGLD   (1 − εa/2)^{2k}           BAOAB   a·(Tᵏ diag(1/a, 0) Tᵏᵀ)_{ww}

with T the step of (w, p) in a direction of precision a.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somite.core.checks import one_of
from somite.sampling.kernels import BAOAB, SGLD

KINDS = ("BAOAB", "SGLD")
CONDITION = {"BAOAB": 100.0, "SGLD": 10.0}
"""Precision of the stiffest direction over that of the softest that chains can walk."""
SGLD_BIAS = 0.05
"""Step-size bias εa/4 of SGLD's variance along the stiffest direction."""
BAOAB_STEP = 1.0
"""h·√a of BAOAB along the stiffest direction; it is unstable from 2 on."""
SHORT = 1e-4
"""Share of its variance by which a direction may be short after burn-in."""
DIRECTIONS = 9
"""Precisions between the softest and the stiffest that are looked at."""
LEAST_BURN_IN, MOST_BURN_IN = 10, 10**6


@dataclass(frozen=True)
class Pace:
    """A kernel and the burn-in that it needs."""

    kernel: SGLD | BAOAB
    burn_in: int


def pace(kind: str, precision: float, localization: float, shrink: float = 1.0) -> Pace:
    """Kernel and burn-in for a stiffest and a softest direction.

    Args:
        kind: "BAOAB" or "SGLD".
        precision: Of the stiffest direction.
        localization: Precision of the softest direction.
        shrink: Factor on ε, to go below the usual step.

    Returns:
        SGLD with ε = 4·0.05/a, BAOAB with h = 1/√a and friction 2·(aγ)^¼, in two digits; and the
        steps after which no direction is short by more than 10⁻⁴ of its variance.

    Raises:
        InputError: If the kind is another.
    """
    one_of("kernel", kind, KINDS)
    kernel: SGLD | BAOAB
    if kind == "SGLD":
        kernel = SGLD(_two_digits(shrink * 4 * SGLD_BIAS / precision))
    else:
        step = _two_digits(BAOAB_STEP * math.sqrt(shrink / precision))
        kernel = BAOAB(step, _two_digits(2 * (precision * localization) ** 0.25))
    precisions = np.geomspace(localization, precision, DIRECTIONS)
    return Pace(kernel, burn_in(kernel, precisions, SHORT))


def burn_in(kernel: SGLD | BAOAB, precisions: NDArray[np.float64], short: float) -> int:
    """Steps after which no direction is short of its variance by more than a share.

    Args:
        kernel: Started at the center.
        precisions: Of the directions.
        short: The share.

    Returns:
        From 10 to a million, to 2 % where they are many.
    """
    steps = LEAST_BURN_IN
    while steps < MOST_BURN_IN and deficit(kernel, precisions, steps) > short:
        steps = math.ceil(1.02 * steps)
    return steps


def deficit(kernel: SGLD | BAOAB, precisions: NDArray[np.float64], steps: int) -> float:
    """Largest share of the variance that a chain from the center lacks after so many steps."""
    if isinstance(kernel, SGLD):
        return float(np.max((1 - kernel.step_size * precisions / 2) ** (2 * steps)))
    h, kept = kernel.step_size, kernel.kept
    travel = h / 2 * (1 + kept)
    rows = [[1 - travel * h * precisions, 0 * precisions + travel]]
    rows.append([-kept * h * precisions, 0 * precisions + kept])
    power = np.linalg.matrix_power(np.moveaxis(np.array(rows), -1, 0), steps)
    return float(np.max(power[:, 0, 0] ** 2))


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
