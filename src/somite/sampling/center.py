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
        return {name: total.pop(name) / n for name in list(total)}  # one copy at a time

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
        return {
            name: (_square(patch.flatten(found, span) for span in patch.spans), 0.0)
            for name, patch in patches.items()
        }
    generator = stream(plan.seed, plan.checkpoint, "center")
    size = (CENTER_BATCHES, plan.batch_size or 1)
    chosen = torch.randint(n_examples(data), size, generator=generator)
    moments = {name: _Moments(patch) for name, patch in patches.items()}
    for index in chosen:
        found = gradients.of(rows(data, index), chunk)
        for one in moments.values():
            one.add(found)
        del found  # else it outlives the next one
    return {name: found.squared_mean_and_noise() for name, found in moments.items()}


class _Moments:
    """Mean and spread of gradients that come one by one (Welford 1962): none of them is kept."""

    def __init__(self, patch: Patch) -> None:
        self._patch = patch
        self._mean = patch.like.new_zeros(patch.size)
        self._spread = 0.0
        self._count = 0

    def add(self, gradient: dict[str, Tensor]) -> None:
        self._count += 1
        for span in self._patch.spans:
            mean = self._mean[span.entries]
            gap = self._patch.flatten(gradient, span) - mean
            mean.add_(gap, alpha=1 / self._count)
            self._spread += float(gap.dot(gap)) * (1 - 1 / self._count)

    def squared_mean_and_noise(self) -> tuple[float, float]:
        """Unbiased squared mean, and trace of the covariance."""
        noise = self._spread / (self._count - 1)
        parts = (self._mean[span.entries] for span in self._patch.spans)
        return _square(parts) - noise / self._count, noise


def _square(parts: Iterable[Tensor]) -> float:
    return sum(float(part.square().sum()) for part in parts)
