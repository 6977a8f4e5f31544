"""The stiffest direction of a component's loss, from gradients alone.

Power iteration with the product of the Hessian taken as a difference of gradients,

    Hv ≈ (∂L(w* + δv) − ∂L(w* − δv)) / (2δ),

which needs no second derivative: fused attention and other operations have none. Where the
strongest curvature is negative, its size is added to H, and the iteration begins again.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from somite.components.patch import Patch
from somite.core.random import stream
from somite.sampling.target import Data
from somite.sampling.views import View, loss_and_gradient

MOST_ITERATIONS = 12
FAR = 0.1
"""Two products with H show its strongest curvature well within a factor of ten."""
SETTLED = 0.02
"""The iteration ends when the quotient changes by less than this share of itself."""


def stiffest(view: View, patch: Patch, examples: Data, reach: float, limit: float = 0.0) -> float:
    """A lower bound of the largest curvature of the mean loss of some examples.

    Args:
        view: Losses of a batch at moved weights.
        patch: The moved weights.
        examples: A batch.
        reach: Length of δv, of the size of a sampler's move.
        limit: Curvature that matters: where the second product is not a tenth of it, no more are
            made.

    Returns:
        The Rayleigh quotient where the iteration settles; 0 where the gradients are not finite.
    """

    def gradient(weights: Tensor) -> Tensor:
        return loss_and_gradient(view, weights, examples)[1]

    def product(direction: Tensor) -> Tensor:
        ahead = gradient(torch.add(patch.center, direction, alpha=reach))
        behind = gradient(torch.add(patch.center, direction, alpha=-reach))
        return ahead.sub_(behind).div_(2 * reach)

    like = patch.center
    generator = stream("stiffest direction", patch.size)
    start = torch.randn(like.shape, generator=generator, dtype=like.dtype).to(like.device)
    found = _power(product, start, limit)
    return _power(product, start, limit, shift=-found) if found < -FAR * limit else found


def _power(
    product: Callable[[Tensor], Tensor], direction: Tensor, limit: float, shift: float = 0.0
) -> float:
    """Curvature along the direction that many products with H + shift turn to."""
    quotient = math.inf
    for iteration in range(MOST_ITERATIONS):
        direction = direction / direction.norm()
        turned = product(direction)
        if not bool(torch.isfinite(turned.norm())):
            return 0.0
        before, quotient = quotient, float(direction.dot(turned))
        far = iteration > 0 and float(turned.norm()) < FAR * limit
        if far or not bool(turned.any()) or abs(quotient - before) <= SETTLED * abs(quotient):
            break
        direction = turned + shift * direction
    return quotient
