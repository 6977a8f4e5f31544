"""At which steps checkpoints are kept: log-spaced for the early changes, even for the late ones."""

import numpy as np

from somite.core.checks import at_least


def checkpoint_steps(steps: int, n_log: int, n_linear: int) -> list[int]:
    """Union of step 0, `n_log` log-spaced steps and `n_linear` even steps, the last included.

    Args:
        steps: Last step of the run.
        n_log: Log-spaced steps from 1 to `steps`; equal ones after rounding count once.
        n_linear: Even steps from steps / n_linear to `steps`.

    Returns:
        Increasing steps, 0 first and `steps` last.

    Example:
        >>> checkpoint_steps(100, n_log=3, n_linear=4)
        [0, 1, 10, 25, 50, 75, 100]
    """
    at_least("steps", steps, 1)
    at_least("n_log", n_log, 0)
    at_least("n_linear", n_linear, 0)
    spaced = np.geomspace(1, steps, n_log).round() if n_log else np.empty(0)
    even = np.linspace(0, steps, n_linear + 1).round()
    return sorted({0, steps, *(int(s) for s in spaced), *(int(s) for s in even)})
