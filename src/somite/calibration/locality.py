"""How far from the center the loss keeps its form: what fixes the localization.

Most directions of a component hardly enter the loss; along these, draws spread like the Gaussian of
localization alone, whatever n_beta is. The reach of sampling is therefore known before any chain
runs, from exact Gaussian displacements Δ ~ N(0, 1/γ) in pairs ±Δ, which cancel the slope:

    rise = ½ E[L(w* + Δ) + L(w* − Δ)] − L(w*),   pull = ¼ E[Δ·∂L(w* + Δ) − Δ·∂L(w* − Δ)]

Their ratio is 1 where the loss is quadratic, 1/k where it is homogeneous of degree 2k, at every
reach: it changes where the reach is so long that the loss changes its form.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from somite.components.patch import Patch
from somite.core.random import stream
from somite.sampling.target import Data, per_example
from somite.sampling.views import View, loss_and_gradient


@dataclass(frozen=True)
class Ball:
    """What a loss does within reach of a localization.

    Args:
        rise: Mean rise of the loss; not finite where the loss is not.
        pull: Half the mean pull, of the same unit.
        rounding: What a mean loss of this size loses by rounding.
    """

    rise: float
    pull: float
    rounding: float = 0.0

    @property
    def finite(self) -> bool:
        """Whether the loss was finite everywhere."""
        return math.isfinite(self.rise) and math.isfinite(self.pull)

    @property
    def ratio(self) -> float:
        """1 in a quadratic basin; NaN where there is no pull."""
        return self.rise / self.pull if self.pull else float("nan")


def gaussian_ball(
    view: View, patch: Patch, examples: Data, localization: float, pairs: int, rounding: float = 0
) -> Ball:
    """Rise and pull of the mean loss of some examples under Gaussian displacements.

    Args:
        view: Losses of a batch at moved weights.
        patch: The moved weights.
        examples: A batch.
        localization: γ, the precision of the displacements.
        pairs: Displacements ±Δ; the same directions at every localization.
        rounding: What a mean loss of these examples loses by rounding.

    Returns:
        Their means.
    """
    generator = stream("gaussian ball", patch.size)
    start = _losses(view, patch.center, examples)
    rise = pull = 0.0
    for _ in range(pairs):
        drawn = torch.randn(patch.center.shape, generator=generator, dtype=patch.center.dtype)
        away = drawn.to(patch.center.device) / localization**0.5
        for signed in (away, -away):
            loss, gradient = loss_and_gradient(view, patch.center + signed, examples)
            rise += float((loss - start).double().mean()) / (2 * pairs)
            pull += float(signed.double().dot(gradient.double())) / (4 * pairs)
    return Ball(rise, pull, rounding)


def measured_rounding(
    view: View, patch: Patch, examples: Data, pairs: int, precision: float
) -> float:
    """What a mean loss loses by rounding: its rise where the true one is far smaller.

    That is at displacements of a tenth of √precision of the weights. Logits can be far larger than
    the loss that is left of them, so that the loss itself does not tell.

    Args:
        view: Losses of a batch at moved weights.
        patch: The moved weights.
        examples: A batch.
        pairs: Displacements ±Δ.
        precision: Relative rounding of the weights' type.

    Returns:
        The size of the rise; no less than precision times the loss.
    """
    least = precision * float(_losses(view, patch.center, examples).abs().double().mean())
    square = float(patch.center.double().square().mean())
    if square == 0:
        return least
    tiny = gaussian_ball(view, patch, examples, 100 / (precision * square), pairs)
    return max(least, abs(tiny.rise)) if tiny.finite else least


@torch.no_grad()
def _losses(view: View, weights: Tensor, examples: Data) -> Tensor:
    return per_example(view(examples, weights))
