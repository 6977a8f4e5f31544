"""A minibatch: its losses at the center, and the loss and gradient of a chain on it.

With control variates (SGLD-CV, Baker et al. 2019) they are those of the tilted loss

    L_B(w) − L_B(w*) + c·(w − w*),   c = ∇L(w*) − g_B(w*),

whose linear part at the center is that of all data. Over minibatches c has mean 0 at any w that
does not depend on them, so neither expectation changes; what is left of the noise is of second
order in w − w*.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.linalg import vecdot

from somite.components.patch import Patch
from somite.components.spans import Span
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

    def tilt(self, patch: Patch, span: Span) -> Tensor | None:
        """The correction c of a component in a span; None without control variates."""
        return patch.flatten(self.correction, span) if self.correction else None


def differentiate(
    walker: Walker, batch: Batch, weights: Tensor, parts: int, onto: Tensor | None = None
) -> Point:
    """L_B(w) − L_B(w*) and the gradient of L_B at w, the batch cut into so many parts.

    With control variates both are those of the tilted loss. The gradient is added to `onto` in
    place, if that is given.
    """
    n, patch = n_examples(batch.examples), walker.patch
    chunk = math.ceil(n / parts)
    losses, gradient = loss_and_gradient(walker.view, weights, batch.examples, chunk, onto)
    loss = float((losses - batch.center_loss).sum()) / n
    for span in patch.spans:
        if (tilt := batch.tilt(patch, span)) is not None:
            gradient[span.entries] += tilt
            loss += float(vecdot(tilt, weights[span.entries] - patch.center_of(span)))
    return Point(weights, loss, gradient)
