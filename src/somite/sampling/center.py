"""What the loss says at the center itself: its gradient there, and how much minibatches differ."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.func import functional_call

from somite.components.patch import Patch, at_least_single
from somite.core.random import stream
from somite.sampling.settings import ChainSettings
from somite.sampling.target import Data, Loss, n_examples, per_example, rows
from somite.sampling.views import LossModule

CENTER_BATCHES = 8
"""Minibatches from which the gradient at the center and its noise are estimated."""


class CenterGradients:
    """∂L at the center for all moved weights at once, one backward pass of the whole model.

    Args:
        model: Holds the center.
        loss: Called as loss(model, batch).
        names: Weights that some component moves.
    """

    def __init__(self, model: nn.Module, loss: Loss, names: Iterable[str]) -> None:
        """Make leaves of the weights."""
        self._module = LossModule(model, loss)
        wanted, weights = set(names), dict(model.named_parameters())
        self._leaves = {
            f"model.{name}": weight.detach().requires_grad_()
            for name, weight in weights.items()
            if name in wanted
        }

    def of(self, data: Data, chunk: int) -> dict[str, Tensor]:
        """Gradient of the mean loss of some data by the name of the weight, so many rows a pass."""
        n = n_examples(data)
        total: dict[str, Tensor] = {}
        for start in range(0, n, chunk):
            for name, gradient in self._of_sum(rows(data, slice(start, start + chunk))).items():
                total[name] = total[name] + gradient if name in total else gradient
        return {name: gradient / n for name, gradient in total.items()}

    def _of_sum(self, part: Data) -> dict[str, Tensor]:
        losses = per_example(functional_call(self._module, self._leaves, (part,)))
        found = torch.autograd.grad(
            losses.sum(), list(self._leaves.values()), materialize_grads=True
        )
        names = (name.removeprefix("model.") for name in self._leaves)
        return dict(zip(names, map(at_least_single, found), strict=True))


def center_statistics(
    gradients: CenterGradients, data: Data, patches: dict[str, Patch], plan: ChainSettings
) -> dict[str, tuple[float, float]]:
    """Squared gradient at the center and its minibatch noise, for every component.

    From K minibatches g_1 … g_K with mean ḡ: noise = Σ‖g_k − ḡ‖² / (K − 1), the trace of the
    covariance of a minibatch gradient; squared gradient = ‖ḡ‖² − noise/K, unbiased for ‖∇L(w*)‖²
    and therefore sometimes negative. On the whole data both are exact.

    Returns:
        (squared gradient, noise) by component.
    """
    chunk = plan.chunk(n_examples(data))
    if plan.full_batch(n_examples(data)):
        found = gradients.of(data, chunk)
        exact = {name: patch.flatten(found) for name, patch in patches.items()}
        return {name: (float(g.square().sum()), 0.0) for name, g in exact.items()}
    generator = stream(plan.seed, plan.checkpoint, "center")
    size = (CENTER_BATCHES, plan.batch_size or 1)
    chosen = torch.randint(n_examples(data), size, generator=generator)
    batches = [gradients.of(rows(data, index), chunk) for index in chosen]
    return {
        name: _moments(torch.stack([patch.flatten(batch) for batch in batches]))
        for name, patch in patches.items()
    }


def _moments(sample: Tensor) -> tuple[float, float]:
    """Unbiased squared mean and trace of the covariance of gradients (batch, d)."""
    mean = sample.mean(0)
    noise = float((sample - mean).square().sum()) / (len(sample) - 1)
    return float(mean.square().sum()) - noise / len(sample), noise
