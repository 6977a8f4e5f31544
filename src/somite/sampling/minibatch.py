"""A minibatch: its losses at the center, and the loss and gradient of a chain on it.

With control variates (SGLD-CV, Baker et al. 2019) the gradient is g_B(w) + c with the correction
c = ∇L(w*) − g_B(w*). It is the gradient of the tilted loss L_B(w) − L_B(w*) + c·(w − w*).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from somite.sampling.kernels.kernel import Point
from somite.sampling.target import Data, n_examples
from somite.sampling.views import loss_and_gradient
from somite.sampling.walker import Walker


@dataclass(frozen=True)
class Batch:
    """Examples, their losses at the center, and their gradients there if these are subtracted.

    Args:
        examples: Rows of the data.
        center_loss: The baseline of every recorded difference (example,).
        correction: c = ∇L(w*) − g_B(w*) by the name of the weight; empty without control variates.
    """

    examples: Data
    center_loss: Tensor
    correction: Mapping[str, Tensor]


def differentiate(walker: Walker, batch: Batch, weights: Tensor, parts: int) -> Point:
    """L_B(w) − L_B(w*) and the gradient of L_B at w, the batch cut into so many parts.

    With control variates the gradient is g_B(w) + c; the loss is the same.
    """
    n = n_examples(batch.examples)
    losses, gradient = loss_and_gradient(walker.view, weights, batch.examples, math.ceil(n / parts))
    loss = float((losses - batch.center_loss).sum()) / n
    if batch.correction:
        gradient = gradient + walker.patch.flatten(batch.correction)
    return Point(weights, loss, gradient)


def tilted(walker: Walker, batch: Batch, point: Point) -> Point:
    """The point with the loss whose gradient it holds: that of a potential to accept or reject."""
    if not batch.correction:
        return point
    away = point.weights - walker.patch.center
    return replace(point, loss=point.loss + float(walker.patch.flatten(batch.correction).dot(away)))
