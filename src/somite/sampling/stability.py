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


def stiffest(
    view: View,
    patch: Patch,
    examples: Data,
    reach: float,
    limit: float = 0.0,
    chunk: int | None = None,
) -> float:
    """A lower bound of the largest curvature of the mean loss of some examples.

    Args:
        view: Losses of a batch at moved weights.
        patch: The moved weights.
        examples: A batch.
        reach: Length of δv, of the size of a sampler's move.
        limit: Curvature that matters: where the second product is not a tenth of it, no more are
            made.
        chunk: Examples per pass, to save memory; None for all.

    Returns:
        The Rayleigh quotient where the iteration settles; 0 where the gradients are not finite.
    """

    def product(direction: Tensor) -> Tensor:
        place, bend = torch.empty_like(direction), torch.zeros_like(direction)
        for side in (-reach, reach):
            for span in patch.spans:
                i = span.entries
                torch.add(patch.center_of(span), direction[i], alpha=side, out=place[i])
            loss_and_gradient(view, place, examples, chunk, bend.neg_())
        return bend.div_(2 * reach)

    found = _power(product, patch, limit)
    return _power(product, patch, limit, shift=-found) if found < -FAR * limit else found


def _power(
    product: Callable[[Tensor], Tensor], patch: Patch, limit: float, shift: float = 0.0
) -> float:
    """Curvature along the direction that many products with H + shift turn to."""
    generator = stream("stiffest direction", patch.size)
    direction = torch.randn(patch.size, generator=generator, dtype=patch.like.dtype)
    direction = direction.to(patch.like.device)
    quotient = math.inf
    for iteration in range(MOST_ITERATIONS):
        direction.div_(direction.norm())
        turned = product(direction)
        if not bool(torch.isfinite(turned.norm())):
            return 0.0
        before, quotient = quotient, float(direction.dot(turned))
        far = iteration > 0 and float(turned.norm()) < FAR * limit
        if far or not bool(turned.any()) or abs(quotient - before) <= SETTLED * abs(quotient):
            break
        direction = turned.add_(direction, alpha=shift)
        del turned  # else it outlives the next product
    return quotient
