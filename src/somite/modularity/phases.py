"""Phases of learning, named by what the loss does."""

import numpy as np
import xarray as xr
from sklearn.isotonic import isotonic_regression

from somite.core.errors import InputError
from somite.modularity.series import check_steps

PHASES = ("early error reduction", "feature refinement", "late fine-tuning")
EARLY, LATE = 0.6, 0.95  # shares of the whole fall of the loss at which one phase ends


def learning_phases(loss: xr.DataArray) -> xr.Dataset:
    """Three phases of training, by how much of its fall the loss has behind it.

    The loss is fitted by the best falling curve (isotonic regression), so that noise and bumps do
    not count as progress. Early error reduction lasts until 60 % of the fall is done, feature
    refinement until 95 %, late fine-tuning from there on. The two shares are a convention of ours:
    they name stretches of training, and are no finding.

    Args:
        loss: Loss over training, such as that of held-out data; dims step.

    Returns:
        dims step: phase (its name), progress (share of the fall); dims phase_name: first_step,
        last_step (NaN for a phase without a checkpoint).

    Raises:
        InputError: If dims or steps are wrong, a value is not finite, or the loss does not fall.

    Example:
        >>> loss = xr.DataArray([4.0, 2.0, 1.0, 0.1, 0.0], {"step": [0, 1, 10, 99, 999]}, ("step",))
        >>> [name.split()[0] for name in learning_phases(loss).phase.values]
        ['early', 'early', 'feature', 'late', 'late']
    """
    if loss.dims != ("step",):
        raise InputError("loss", "must have the dims step", loss.dims, "Average over the others.")
    steps = check_steps("loss", loss)
    values = loss.to_numpy().astype(np.float64)
    if not np.isfinite(values).all():
        bad = f"{int((~np.isfinite(values)).sum())} NaN or infinite values"
        raise InputError("loss", "must be finite", bad, "Drop those steps.")
    fit = isotonic_regression(values, increasing=False)
    if not fit[0] > fit[-1]:
        rule, remedy = "must fall over training", "Give the loss of a network that learns."
        raise InputError("loss", rule, f"{values[0]:.3g} to {values[-1]:.3g}", remedy)
    progress = (fit[0] - fit) / (fit[0] - fit[-1])
    number = np.searchsorted([EARLY, LATE], progress, side="right")
    ends = [_ends(steps[number == i]) for i in range(len(PHASES))]
    variables = {
        "phase": ("step", np.array(PHASES)[number]),
        "progress": ("step", progress),
        "first_step": ("phase_name", [first for first, _ in ends]),
        "last_step": ("phase_name", [last for _, last in ends]),
    }
    return xr.Dataset(variables, {"step": loss.step.to_numpy(), "phase_name": list(PHASES)})


def _ends(steps: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    return (float(steps[0]), float(steps[-1])) if steps.size else (float("nan"), float("nan"))
