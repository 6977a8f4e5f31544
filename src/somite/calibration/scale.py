"""The highest n_beta at which the estimate still means what it should.

With R the rise of the loss times localization (half the trace of the Hessian in a basin):

    mixing   n_beta ≤ κ · localization / stiffest curvature: a chain has to be able to walk its
             softest direction in the steps that its stiffest one allows. That takes BAOAB about
             √κ steps and SGLD about κ: κ is 100 and 10
    center   n_beta ≤ 0.1 · R / ‖∇L(w*)‖²: where the center is no minimum, the chain slides down by
             n_beta·‖∇L‖²/localization and the estimate sinks, in the end below zero
    noise    minibatch noise at most a tenth of the injected noise
    samples  n_beta ≤ n / log n, where n is known
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from somite.calibration.cells import CalibrationCell
from somite.calibration.steps import CONDITION
from somite.sampling.kernels import BAOAB, SGLD

SLIDE = 0.1
NOISE = 0.1
MIXING, CENTER, NOISY, SAMPLES = "mixing", "center", "noise", "samples"


@dataclass(frozen=True)
class Bound:
    """A largest n_beta, its reason in words, and which of the four it is."""

    n_beta: float
    reason: str
    cause: str


def bounds(
    cells: Sequence[CalibrationCell],
    localization: float,
    rise: Mapping[str, float],
    kernel_at: Callable[[float], SGLD | BAOAB],
    n: int | None,
) -> list[Bound]:
    """All bounds on n_beta, the tightest first.

    Args:
        cells: Components of all checkpoints.
        localization: γ.
        rise: Rise times localization of each checkpoint with a basin.
        kernel_at: Kernel that would be used at an n_beta.
        n: Number of samples, or None.

    Returns:
        Those that are finite.
    """
    stiffest = max(cell.curvature for cell in cells)
    found = [_center(cells, rise), _noise(cells, kernel_at)]
    if stiffest > 0:
        condition = CONDITION[type(kernel_at(1.0)).__name__]
        reason = f"{condition:g} times localization over the stiffest curvature {stiffest:.2g}"
        found.append(Bound(condition * localization / stiffest, reason, MIXING))
    if n is not None:
        found.append(Bound(n / math.log(n), f"n / log n for n = {n}", SAMPLES))
    return sorted((b for b in found if math.isfinite(b.n_beta)), key=lambda b: b.n_beta)


def _center(cells: Sequence[CalibrationCell], rise: Mapping[str, float]) -> Bound:
    """The checkpoint whose slope is steepest against its curvature decides."""
    slopes = {
        name: sum(cell.center_gradient for cell in cells if cell.checkpoint == name)
        for name in rise
    }
    found = {name: SLIDE * rise[name] / slope for name, slope in slopes.items() if slope > 0}
    if not found:
        return Bound(math.inf, "", "")
    name = min(found, key=lambda key: found[key])
    return Bound(
        found[name], f"the slope of the loss at checkpoint {name}, which is no minimum", CENTER
    )


def _noise(cells: Sequence[CalibrationCell], kernel_at: Callable[[float], SGLD | BAOAB]) -> Bound:
    """Found by halving: the kernel itself depends on n_beta."""
    worst = max(cell.gradient_noise / cell.patch.size for cell in cells)
    if worst == 0:
        return Bound(math.inf, "", "")
    low, high = 1e-6, 1e12
    while high / low > 1.1:
        middle = math.sqrt(low * high)
        quiet = kernel_at(middle).noise_ratio(middle**2 * worst) <= NOISE
        low, high = (middle, high) if quiet else (low, middle)
    return Bound(low, f"minibatch noise, a {1 / NOISE:.0f}th of the injected noise", NOISY)
