"""What is tried of a step and not taken: would MALA accept it, what does its noise meet?

Every function takes one chain or many, one in each row, and holds two vectors of the size of the
weights besides these and the gradient that it is given.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.linalg import vecdot

from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.kernels.mala import asymmetry, langevin

Evaluate = Callable[[Tensor, Tensor | None], Point]
"""Loss and gradient at any weights; the gradient is added, in place, to one that is given."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A step of some entries.

    Args:
        entries: Which.
        step: ε, as `Kernel.diffusion` gives it.
        noise: Of the trial step, not the chain's own (…, entries).
        scene: What the kernel sees of these entries.
    """

    entries: slice
    step: float | Tensor
    noise: Tensor
    scene: Scene

    def propose(self, here: Point) -> Tensor:
        """Where the step leads."""
        here = here.of(self.entries)
        return langevin(self.step, here.weights, self.scene.drift(here), self.noise)

    def log_ratio(self, here: Point, there: Point) -> Tensor:
        """Its part in the logarithm of MALA's ratio, that of the loss left out (…,).

        The drift is linear: `there` holds the gradients of both ends, added.
        """
        target, center = self.scene.target, self.scene.center
        start, end = here.weights[..., self.entries], there.weights[..., self.entries]
        both = target.drift(there.gradient[..., self.entries], start + end, 2 * center)
        ratio = target.potential(0.0, start, center) - target.potential(0.0, end, center)
        return ratio + asymmetry(self.step, both, self.noise)


def acceptance(
    trials: Callable[[], Iterable[Trial]], here: Point, n_beta: float, evaluate: Evaluate
) -> Tensor:
    """Logarithm of the probability with which MALA would accept a step, on this minibatch (…,).

    Args:
        trials: The step, cut into parts; the same at both calls.
        here: Where the chain is; its gradient is overwritten.
        n_beta: In front of the loss.
        evaluate: On the minibatch of `here`.
    """
    proposal = torch.empty_like(here.weights)
    for trial in trials():
        proposal[..., trial.entries] = trial.propose(here)
    there = evaluate(proposal, here.gradient)
    ratio = n_beta * torch.as_tensor(here.loss - there.loss, dtype=torch.double)
    for trial in trials():
        ratio = ratio + trial.log_ratio(here, there)
    return torch.where(ratio.isfinite(), ratio, -math.inf).clamp(max=0.0)


def noise_curvature(gap: Tensor, reach: Tensor, weights: Tensor, evaluate: Evaluate) -> Tensor:
    """Curvature of the loss along the noise of minibatch gradients, ξ·∂²L·ξ with ξ = gap/√2 (…,).

    By the difference of the gradients a step's length to both sides.

    Args:
        gap: Difference of the gradients on two minibatches (…, d); overwritten.
        reach: The root of the step's mean ε (…,), in double precision.
        weights: Where the gap was found (…, d).
        evaluate: On a third minibatch.
    """
    length = torch.linalg.vector_norm(gap, dim=-1).double()
    length = torch.where(length == 0, 1.0, length)  # without a gap there is no curvature along it
    place = gap.mul_((reach / length).to(gap.dtype)[..., None]).add_(weights)
    bend = evaluate(place, None).gradient.neg_()
    place = place.neg_().add_(weights, alpha=2)  # as far on the other side
    bend = evaluate(place, bend).gradient
    curvature: Tensor = vecdot(place.sub_(weights), bend).double() * (length / reach).square() / 4
    return curvature
