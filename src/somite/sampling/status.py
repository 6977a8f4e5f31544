"""How a chain ended, in words that say what to try."""

import math

from somite.components.patch import Patch
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.target import Target

CONVERGED = "converged"
DRIFT_FACTOR = 4.0
DRIFT_SPREAD = 6.0


def diverged(step: int, loss: float, step_size: float, n_beta: float) -> str:
    """Status of a chain whose loss or weights stopped being finite."""
    return (
        f"diverged at step {step} (loss {loss:g}): "
        f"lower step_size ({step_size:g}) or n_beta ({n_beta:g})"
    )


def drifted(distance: float, allowed: float) -> str:
    """Status of a chain that left the neighbourhood of the center."""
    return (
        f"drifted: mean squared distance is {distance / allowed:.1f} times what localization "
        "alone would allow: raise localization or lower n_beta"
    )


def free_distance(patch: Patch, target: Target, kernel: Kernel) -> float:
    """E‖w − w*‖² of a chain without any loss: d·variance(γ + decay) + ‖decay·w*/(γ + decay)‖².

    Infinite where nothing holds the weights.
    """
    held = target.prior_precision
    if held == 0:
        return math.inf
    square = sum(float(patch.center_of(span).square().sum()) for span in patch.spans)
    pulled = (target.weight_decay / held) ** 2 * square
    return patch.size * kernel.variance(held) + pulled


def verdict(distance: float, size: int, allowed: float) -> str:
    """Status of a chain that reached its end.

    A loss with a minimum at the center lowers the distance below that of a free chain, as long as
    the step is small for its curvature and its minibatch noise is small. More than 4 + 6·√(2/d)
    times the free distance means that the chain moved away (√(2/d) is the relative spread of the
    squared distance of d coordinates).

    Args:
        distance: Mean squared distance from the center over the kept draws.
        size: Number of moved entries d.
        allowed: `free_distance`; infinite if nothing holds the chain, and nothing can be said.

    Returns:
        "converged", or what is wrong and what to try.
    """
    factor = DRIFT_FACTOR + DRIFT_SPREAD * math.sqrt(2 / size)
    if math.isinf(allowed) or (math.isfinite(distance) and distance <= factor * allowed):
        return CONVERGED
    return drifted(distance, allowed)


def failed(status: str) -> bool:
    """Whether a chain with this status must enter no mean."""
    return status != CONVERGED
