"""How a chain ended, in words that say what to try."""

import math

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


def verdict(distance: float, size: int, localization: float, step_size: float) -> str:
    """Status of a chain that reached its end.

    With no loss at all SGLD at step ε holds E‖w − w*‖² at d / (γ(1 − εγ/4)). A loss with a minimum
    at the center lowers it, as long as the step is small for its curvature a, ε(a + γ) < 4, and
    its minibatch noise is small. More than 4 + 6·√(2/d) times that means that the chain moved away
    (√(2/d) is the relative spread of the squared distance of d coordinates).

    Args:
        distance: Mean squared distance from the center over the kept draws.
        size: Number of moved entries d.
        localization: γ; with 0 nothing is held and nothing can be said.
        step_size: ε.

    Returns:
        "converged", or what is wrong and what to try.
    """
    if localization == 0:
        return CONVERGED
    allowed = size / (localization * (1 - step_size * localization / 4))
    factor = DRIFT_FACTOR + DRIFT_SPREAD * math.sqrt(2 / size)
    if math.isfinite(distance) and distance <= factor * allowed:
        return CONVERGED
    return drifted(distance, allowed)


def failed(status: str) -> bool:
    """Whether a chain with this status must enter no mean."""
    return status != CONVERGED
