"""The exact stationary law of SGLD in one dimension, at a finite step.

One step is  w ← w − (ε/2)(n_beta (L'(w) ± tilt) + localization·w) + √ε·noise.  On an even grid its
transition density is a matrix, whose left eigenvector of eigenvalue 1 is the law. The rectangle
rule converges faster than any power of the spacing once that is below √ε.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from somite.core.errors import InputError
from somite.verify.landscapes import Height

PER_SPREAD = 6
"""Grid points per √ε."""
EDGE = 1e-10

Array = NDArray[np.float64]


def sgld_llc(
    height: Height,
    n_beta: float,
    localization: float,
    step_size: float,
    half_width: float,
    tilt: float = 0.0,
) -> float:
    """n_beta · (E[L] − L(0)) under the stationary law of SGLD around the center 0.

    Args:
        height: L of weights (…, 1).
        n_beta: Inverse temperature times number of samples.
        localization: Precision γ of the Gaussian around the center.
        step_size: ε.
        half_width: Half the side of the grid.
        tilt: A minibatch adds +tilt or −tilt to the gradient with equal probability.

    Returns:
        What SGLD at this step converges to.

    Raises:
        InputError: If the grid cuts off mass, or a step from its edge leads out of it.

    Example:
        On a parabola it is the closed form ½ n_beta h / (a (1 − εa/4)), a = n_beta h + γ.

        >>> found = sgld_llc(lambda w: w[..., 0] ** 2 / 2, 3.0, 1.0, 0.2, half_width=6.0)
        >>> abs(found - 0.5 * 3 / (4 * (1 - 0.2))) < 1e-9
        True
    """
    points = 2 * int(np.ceil(PER_SPREAD * half_width / step_size**0.5)) + 1
    grid = np.linspace(-half_width, half_width, points)
    weights = torch.from_numpy(grid).requires_grad_()
    losses = height(weights[:, None])
    (slope,) = torch.autograd.grad(losses.sum(), weights)
    middle = grid - step_size / 2 * (n_beta * slope.numpy() + localization * grid)
    kick = step_size / 2 * n_beta * tilt
    away = grid - middle[:, None]
    transition = _gaussian(away - kick, step_size) + _gaussian(away + kick, step_size)
    total = transition.sum(1, keepdims=True)
    if total.min() < EDGE:
        rule, remedy = (
            "must be a range that a step does not leave",
            "Lower step_size, or narrow it.",
        )
        raise InputError("half_width", rule, half_width, remedy)
    law = _stationary(transition / total)
    if max(law[0], law[-1]) > EDGE * law.max():
        edge = max(law[0], law[-1]) / law.max()
        rule, remedy = "must hold the mass", "Widen the grid, or lower step_size."
        raise InputError("half_width", rule, f"{half_width} with {edge:.2g} at the edge", remedy)
    excess = losses.detach().numpy() - float(height(torch.zeros(1, 1, dtype=torch.float64)))
    return n_beta * float(law @ excess)


def _gaussian(distance: Array, variance: float) -> Array:
    return np.exp(-(distance**2) / (2 * variance))


def _stationary(transition: Array) -> Array:
    """Left eigenvector of eigenvalue 1, summing to 1."""
    system = transition.T - np.eye(len(transition))
    system[-1] = 1.0
    right = np.zeros(len(transition))
    right[-1] = 1.0
    return np.asarray(np.linalg.solve(system, right))
