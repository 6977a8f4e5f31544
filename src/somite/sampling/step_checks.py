"""What is tried of a step and not taken: would MALA accept it, what does its noise meet?"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.kernels.mala import propose
from somite.sampling.minibatch import Batch, tilted
from somite.sampling.walker import Walker


def acceptance(
    step: float | Tensor, walker: Walker, here: Point, batch: Batch, scene: Scene
) -> float:
    """Probability with which MALA would accept a step of this size from here, on this minibatch.

    Args:
        step: ε of the step, as `Kernel.diffusion` gives it.
        walker: A chain.
        here: Where it is.
        batch: Minibatch of this step.
        scene: What its kernel sees.
    """

    def evaluate(weights: Tensor) -> Point:
        return tilted(walker, batch, scene.evaluate(weights))

    trial = replace(scene, evaluate=evaluate)
    _, log_ratio = propose(step, tilted(walker, batch, here), walker.check_noise(), trial)
    return math.exp(min(0.0, log_ratio))


def noise_curvature(
    gap: Tensor, step: float | Tensor, weights: Tensor, gradient: Callable[[Tensor], Tensor]
) -> float:
    """Curvature of the loss along the noise of minibatch gradients, ξ·∂²L·ξ with ξ = gap/√2.

    By the difference of the gradients a step's length to both sides.

    Args:
        gap: Difference of the gradients on two minibatches (d,).
        step: ε of the step, as `Kernel.diffusion` gives it.
        weights: Where the gap was found (d,).
        gradient: Gradient of the loss on a third minibatch at any weights.
    """
    length = float(gap.norm())
    if length == 0:
        return 0.0
    reach = math.sqrt(float(torch.as_tensor(step).mean()))
    bend = gradient(torch.add(weights, gap, alpha=reach / length))
    bend.sub_(gradient(torch.sub(weights, gap, alpha=reach / length)))
    return float(gap.dot(bend)) * length / (4 * reach)
