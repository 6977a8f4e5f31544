"""What is tried of a step and not taken: would MALA accept it, what does its noise meet?

Every function takes one chain or many, one in each row.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.linalg import vecdot

from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.kernels.mala import propose
from somite.sampling.minibatch import tilted


def acceptance(
    step: float | Tensor, noise: Tensor, here: Point, tilt: Tensor | None, scene: Scene
) -> Tensor:
    """Logarithm of the probability with which MALA would accept a step, on this minibatch (…,).

    Args:
        step: ε of the step, as `Kernel.diffusion` gives it.
        noise: Of the trial step, not the chain's own (…, d).
        here: Where the chain is.
        tilt: Correction of the gradient by control variates (…, d); None without.
        scene: What its kernel sees.
    """

    def evaluate(weights: Tensor) -> Point:
        return tilted(scene.evaluate(weights), tilt, scene.center)

    trial = replace(scene, evaluate=evaluate)
    return propose(step, tilted(here, tilt, scene.center), noise, trial)[1].clamp(max=0.0)


def noise_curvature(
    gap: Tensor, step: float | Tensor, weights: Tensor, gradient: Callable[[Tensor], Tensor]
) -> Tensor:
    """Curvature of the loss along the noise of minibatch gradients, ξ·∂²L·ξ with ξ = gap/√2 (…,).

    By the difference of the gradients a step's length to both sides.

    Args:
        gap: Difference of the gradients on two minibatches (…, d).
        step: ε of the step, as `Kernel.diffusion` gives it.
        weights: Where the gap was found (…, d).
        gradient: Gradient of the loss on a third minibatch at any weights.
    """
    length = torch.linalg.vector_norm(gap, dim=-1).double()
    length = torch.where(length == 0, 1.0, length)  # without a gap there is no curvature along it
    reach = torch.as_tensor(step).mean(-1).double().sqrt()
    away = gap * (reach / length).to(gap.dtype)[..., None]
    bend = gradient(weights + away).sub_(gradient(weights - away))
    curvature: Tensor = vecdot(gap, bend).double() * length / (4 * reach)
    return curvature
