"""Many chains and components in lockstep (DESIGN §6).

Chain k of every component walks over the same minibatches; what does not depend on the moved
weights is computed once per minibatch; only the component's entries have state, gradient and noise.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from somite.components.patch import Noise, Patch
from somite.core.random import stream
from somite.sampling.draws import ChainRecord
from somite.sampling.kernels.kernel import Kernel
from somite.sampling.observables.losses import example_losses
from somite.sampling.preflight import check_baseline
from somite.sampling.settings import ChainSettings
from somite.sampling.status import diverged, verdict
from somite.sampling.target import Data, Target, n_examples, per_example, rows
from somite.sampling.views import SharedCache, View, center_losses

Progress = Callable[[int, int], None]
CHUNKS = 4
"""Minibatches per pass at the center: without a backward pass so many take no more memory."""


@dataclass
class Walker:
    """One chain of one component on its way: its weights, its noise, what it has recorded."""

    patch: Patch
    view: View
    noise: Noise
    weights: Tensor
    record: ChainRecord = field(default_factory=ChainRecord)

    @property
    def alive(self) -> bool:
        """Whether the chain has not failed."""
        return not self.record.status


@dataclass(frozen=True)
class Batch:
    """Examples and their losses at the center, the baseline of every recorded difference."""

    examples: Data
    center_loss: Tensor


class Engine:
    """Runs the chains of many components around one center.

    Args:
        center: The model at w*, in evaluation mode, without gradients.
        target: Loss, data and scale.
        kernel: Moves the weights.
        settings: Number and length of the chains.
        probes: Fixed data sets to record, by name.
        cache: Passes at the center that components share; None without sharing.

    Raises:
        InputError: If a loss at the center is not finite.
    """

    def __init__(
        self,
        center: nn.Module,
        target: Target,
        kernel: Kernel,
        settings: ChainSettings,
        probes: Mapping[str, Data],
        cache: SharedCache | None,
    ) -> None:
        """Compute the losses at the center once.

        Raises:
            InputError: If one of them is not finite.
        """
        self.target, self.kernel, self.settings, self.cache = target, kernel, settings, cache
        at_center = center_losses(center, target.loss)
        chunk = CHUNKS * settings.batch_size
        self._center_loss = example_losses(at_center, target.data, chunk)
        check_baseline("data", self._center_loss)
        self._probes = {
            name: Batch(data, example_losses(at_center, data, chunk))
            for name, data in probes.items()
        }
        for name, probe in self._probes.items():
            check_baseline(f"probe {name}", probe.center_loss)

    def run(
        self, chain: int, parts: Mapping[str, tuple[Patch, View]], progress: Progress
    ) -> dict[str, ChainRecord]:
        """Walk one chain of every component.

        Args:
            chain: Its number.
            parts: Moved weights and the losses they give, by component.
            progress: Called with (chain steps done, all chain steps).

        Returns:
            The records by component.
        """
        plan = self.settings
        names = (plan.seed, plan.checkpoint, chain)
        walkers = {name: self._start(patch, view, names) for name, (patch, view) in parts.items()}
        batches = stream(*names, "batches")
        for step in range(plan.steps):
            batch = self._next_batch(batches)
            for walker in walkers.values():
                if walker.alive:
                    self._advance(walker, batch, step)
            progress((chain * plan.steps + step + 1) * len(parts), self.total(len(parts)))
            if self.cache is not None:
                self.cache.clear()
        for walker in walkers.values():
            self._finish(walker)
        return {name: walker.record for name, walker in walkers.items()}

    def total(self, parts: int) -> int:
        """Chain steps of all components and chains."""
        return parts * self.settings.chains * self.settings.steps

    def _start(self, patch: Patch, view: View, names: tuple[int, int, int]) -> Walker:
        record = ChainRecord(probe_loss={name: [] for name in self._probes})
        return Walker(patch, view, Noise(patch, names), patch.center, record)

    def _next_batch(self, generator: torch.Generator) -> Batch:
        size = (self.settings.batch_size,)
        index = torch.randint(n_examples(self.target.data), size, generator=generator)
        baseline = self._center_loss[index.to(self._center_loss.device)]
        return Batch(rows(self.target.data, index), baseline)

    def _advance(self, walker: Walker, batch: Batch, step: int) -> None:
        """Record the losses at the present weights, then leave them."""
        weights, center, record = walker.weights, walker.patch.center, walker.record
        draw = self.settings.draw_at(step)
        probing = draw is not None and draw % self.settings.probe_every == 0
        probe_losses = self._probe_losses(walker) if probing else {}
        difference, gradient = _differentiate(walker, batch)
        distance = float((weights - center).square().sum())
        numbers = (difference, distance, *probe_losses.values())
        if not (all(map(math.isfinite, numbers)) and bool(torch.isfinite(gradient).all())):
            record.failed_at = step
            scale = (self.kernel.step_size, self.target.n_beta)
            record.status = diverged(step, difference, *scale)
            return
        if draw is not None:
            record.add(difference, float(batch.center_loss.mean()), distance)
        for name, loss in probe_losses.items():
            record.probe_loss[name].append(loss)
        drift = self.target.drift(gradient, weights, center)
        walker.weights = self.kernel.step(weights, drift, walker.noise.draw())

    @torch.no_grad()
    def _probe_losses(self, walker: Walker) -> dict[str, float]:
        """Mean L(w) − L(w*) of every probe at the walker's weights."""
        found = {}
        for name, probe in self._probes.items():
            losses = per_example(walker.view(probe.examples, walker.weights))
            found[name] = float((losses - probe.center_loss).mean())
        return found

    def _finish(self, walker: Walker) -> None:
        record = walker.record
        if walker.alive:
            distance = sum(record.distance) / len(record.distance)
            scale = (walker.patch.size, self.target.localization, self.kernel.step_size)
            record.status = verdict(distance, *scale)


def _differentiate(walker: Walker, batch: Batch) -> tuple[float, Tensor]:
    """L_B(w) − L_B(w*) and the gradient of L_B at the walker's weights."""
    leaf = walker.weights.detach().requires_grad_()
    losses = per_example(walker.view(batch.examples, leaf))
    (gradient,) = torch.autograd.grad(losses.mean(), leaf)
    return float((losses.detach() - batch.center_loss).mean()), gradient
