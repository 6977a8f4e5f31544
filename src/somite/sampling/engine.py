"""Many chains and components in lockstep (docs/design.md, The engine).

Chain k of every component walks over the same minibatches; what does not depend on the moved
weights is computed once per minibatch; only the component's entries have state, gradient and noise.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from somite.components.patch import Noise, Patch
from somite.core.random import stream
from somite.sampling.center import CenterGradients
from somite.sampling.draws import REFERENCE, ChainRecord
from somite.sampling.kernels.kernel import Kernel, Point, Scene
from somite.sampling.minibatch import Batch, differentiate
from somite.sampling.observables.displacement import displacement
from somite.sampling.observables.energies import block_energies
from somite.sampling.observables.losses import example_losses
from somite.sampling.observables.shares import block_shares
from somite.sampling.preflight import check_baseline
from somite.sampling.probing import Observable, make_probe, probe_losses
from somite.sampling.recording import Recorder
from somite.sampling.settings import ChainSettings
from somite.sampling.sharing import Sharing
from somite.sampling.status import diverged, free_distance, verdict
from somite.sampling.step_checks import Evaluate, Trial, acceptance, noise_curvature
from somite.sampling.target import Data, Target, n_examples, per_example, rows
from somite.sampling.views import View, center_losses
from somite.sampling.walker import Walker

CHECKS = 4
"""Records of the probes at which a step is checked: acceptance by MALA, and gradient noise."""


@dataclass
class Walk:
    """One chain of all components, and the minibatches they share.

    Args:
        walkers: By component.
        batches: Stream of the minibatches.
        others: Stream of those with which gradients are compared.
        step: Steps done.
    """

    walkers: dict[str, Walker]
    batches: torch.Generator
    others: torch.Generator
    step: int = 0

    @property
    def alive(self) -> list[Walker]:
        """The walkers that have not failed."""
        return [walker for walker in self.walkers.values() if walker.alive]


class Engine:
    """Runs the chains of many components around one center.

    Args:
        center: The model at w*, in evaluation mode, without gradients.
        target: Loss, data and scale.
        kernel: Moves the weights.
        settings: Number and length of the chains.
        probes: Fixed data sets to record, by name, or observables.
        sharing: What components share; None for nothing.

    Raises:
        InputError: If a loss at the center is not finite.
    """

    blocks: Mapping[str, Mapping[str, Tensor]]
    """For each component, where the blocks are whose shares are recorded."""
    stacked = False
    """Whether components and chains are stepped together."""
    pointwise = False
    """Whether the loss of every example of the reference probe is recorded."""
    energies = False
    """Whether the energy of every block on the reference probe is recorded."""
    recorder: Recorder | None = None
    """Takes the losses of single examples or tokens; None for no one."""

    def __init__(
        self,
        center: nn.Module,
        target: Target,
        kernel: Kernel,
        settings: ChainSettings,
        probes: Mapping[str, Data | Observable],
        sharing: Sharing | None,
    ) -> None:
        """Compute the losses at the center once.

        Raises:
            InputError: If one of them is not finite.
        """
        self.target, self.kernel, self.settings, self.sharing = target, kernel, settings, sharing
        self.blocks = {}
        self._n = n_examples(target.data)
        self._chunk = settings.chunk(self._n)
        at_center = center_losses(center, target.loss)
        self.center_loss = example_losses(at_center, target.data, self._chunk)
        check_baseline("data", self.center_loss)
        self.probes = {
            name: make_probe(name, given, center, target.loss, self._chunk)
            for name, given in probes.items()
        }
        self._gradients: CenterGradients | None = None

    def subtract(self, gradients: CenterGradients) -> None:
        """Use the gradients at the center as control variates."""
        self._gradients = gradients
        self._center_gradient = gradients.of(self.target.data, self._chunk)

    def open(self, chain: int, parts: Mapping[str, tuple[Patch, View]]) -> Walk:
        """One chain of every component at the center."""
        names = (self.settings.seed, self.settings.checkpoint, chain)
        walkers = {}
        for component, (patch, view) in parts.items():
            record = ChainRecord(probe_loss={name: [] for name in self.probes})
            spans = patch.spans if self.kernel.elementwise else [patch.whole]
            walkers[component] = Walker(patch, view, Noise(patch, names), names, spans, record)
        return Walk(walkers, stream(*names, "batches"), stream(*names, "gradient noise"))

    def advance(self, walks: Sequence[Walk], until: int, progress: Callable[[int], None]) -> None:
        """Walk on until so many steps are done.

        Args:
            walks: The chains, each of every component; changed.
            until: Steps done in the end.
            progress: Called with the chain steps that were done.
        """
        for walk in walks:
            self._walk_on(walk, until, progress)

    def _walk_on(self, walk: Walk, until: int, progress: Callable[[int], None]) -> None:
        """One chain of every component, one component after the other on each minibatch."""
        for step in range(walk.step, until):
            probed = self._probe(walk, step)
            batch = self._next_batch(walk.batches)
            for name, walker in walk.walkers.items():
                if walker.alive:
                    probes = {probe: losses[name] for probe, losses in probed.items()}
                    self._advance(walker, batch, step, self.blocks.get(name, {}), probes)
                    self._store(name, walker, step, probes)
            self._forget()
            if self._checks(step):
                self._check_noise(walk, batch)
                for walker in walk.alive:
                    self._leave(walker, batch, step)
                self._forget()
            walk.step = step + 1
            progress(len(walk.walkers))

    def finish(self, walk: Walk) -> dict[str, ChainRecord]:
        """Judge the chains that reached the end; the records by component."""
        for walker in walk.walkers.values():
            record = walker.record
            if walker.alive:
                distance = sum(record.distance) / len(record.distance)
                allowed = free_distance(walker.patch, self.target, self.kernel)
                record.status = verdict(distance, walker.patch.size, allowed)
        return {name: walker.record for name, walker in walk.walkers.items()}

    def _next_batch(self, generator: torch.Generator) -> Batch:
        data = self.target.data
        if self.settings.full_batch(self._n):
            return Batch(data, self.center_loss, {})
        index = self._next_index(generator)
        baseline = self.center_loss[index.to(self.center_loss.device)]
        examples = rows(data, index)
        return Batch(examples, baseline, self._correction(examples))

    def _next_index(self, generator: torch.Generator) -> Tensor:
        size = (self.settings.batch_size or self._n,)
        return torch.randint(self._n, size, generator=generator)

    def _correction(self, examples: Data) -> dict[str, Tensor]:
        if self._gradients is None:
            return {}
        here = self._gradients.of(examples, self._chunk)
        return {name: self._center_gradient[name] - here[name] for name in here}

    def _forget(self) -> None:
        if self.sharing is not None:
            self.sharing.clear()

    def _probe(self, walk: Walk, step: int) -> dict[str, dict[str, Tensor]]:
        """By probe and component, L(w) − L(w*) in the loss's own form; nothing between records."""
        if self.settings.probe_at(step) is None:
            return {}
        alive = {name: walker for name, walker in walk.walkers.items() if walker.alive}
        return {
            name: probe_losses(probe, alive, self._forget) for name, probe in self.probes.items()
        }

    def _store(
        self, component: str, walker: Walker, step: int, probes: Mapping[str, Tensor]
    ) -> None:
        """Hand a draw that was recorded to the recorder."""
        number = self.settings.probe_at(step)
        if self.recorder is None or number is None or not walker.alive:
            return
        place, means = (component, walker.names[2]), walker.record.probe_loss
        reference = means[REFERENCE][-1] if REFERENCE in means else math.nan
        for name in self.recorder.record.probes:
            self.recorder.add(place, name, number, probes[name], reference)

    def _advance(
        self,
        walker: Walker,
        batch: Batch,
        step: int,
        blocks: Mapping[str, Tensor],
        probes: Mapping[str, Tensor],
    ) -> None:
        """Record the losses at the present weights, then leave them, after checks if there are."""
        if not walker.states:
            walker.start(self.kernel, self._scenes(walker, batch, step))
        walker.place = here = self._here(walker, batch)
        losses = {name: per_example(found) for name, found in probes.items()}
        if not self._record(walker, here, batch, step, blocks, losses):
            return
        if self._checks(step):
            self._check_acceptance(walker, here, batch, step)
        else:
            self._leave(walker, batch, step)

    def _leave(self, walker: Walker, batch: Batch, step: int) -> None:
        """Make a step."""
        here = self._here(walker, batch)
        walker.leave(here, self.kernel, self._scenes(walker, batch, step))
        if self.kernel.exact and self.settings.draw_at(step) is not None:
            walker.record.acceptance.append(float(walker.place is not here))

    def _here(self, walker: Walker, batch: Batch) -> Point:
        """Where a chain is, evaluated unless it is already."""
        place = walker.place
        if isinstance(place, Point):
            return place
        return self._point(walker, batch, walker.weights)

    def _scenes(self, walker: Walker, batch: Batch, step: int) -> Iterator[Scene]:
        """What the kernel may use, for one span of the weights after the other."""
        for span in walker.spans:
            yield Scene(
                self.target,
                walker.patch.center_of(span),
                partial(walker.noise.draw, span),
                walker.uniform,
                partial(self._point, walker, batch),
                adapting=step < self.settings.burn_in,
            )

    def _record(
        self,
        walker: Walker,
        here: Point,
        batch: Batch,
        step: int,
        blocks: Mapping[str, Tensor],
        probes: Mapping[str, Tensor],
    ) -> bool:
        """Record a kept draw; False, with the status set, if something is not finite."""
        record = walker.record
        loss = float(here.loss)
        distance, share, squared = self._displacement(walker.patch, here).tolist()
        means = {name: float(losses.mean()) for name, losses in probes.items()}
        if not all(map(math.isfinite, (loss, distance, share, squared, *means.values()))):
            record.failed_at = step
            scale = (self.kernel.step_size, self.target.n_beta)
            record.status = diverged(step, loss, *scale)
            return False
        if self.settings.draw_at(step) is not None:
            record.add(loss, float(batch.center_loss.mean()), distance, share, squared)
            if blocks:
                away = here.weights - walker.patch.center
                record.block_share.append(block_shares(away, here.gradient, blocks))
        for name, mean in means.items():
            record.probe_loss[name].append(mean)
        if self.pointwise and REFERENCE in probes:
            record.example_loss.append(probes[REFERENCE].cpu().numpy())
        if self.energies and REFERENCE in probes:
            record.block_energy.append(self._energies(walker, here.weights, blocks))
        return True

    def _displacement(self, patch: Patch, here: Point) -> Tensor:
        found = [
            displacement(here.of(span.entries), patch.center_of(span), self.target).double()
            for span in patch.spans
        ]
        return torch.stack(found).sum(0)

    def _energies(
        self, walker: Walker, weights: Tensor, blocks: Mapping[str, Tensor]
    ) -> np.ndarray:
        probe = self.probes[REFERENCE]
        evaluate = partial(walker.view, probe.examples)
        return block_energies(evaluate, weights, walker.patch.center, probe.center_loss, blocks)

    def _checks(self, step: int) -> bool:
        """Whether the step is one of those that are checked; exact kernels check themselves."""
        probe = self.settings.probe_at(step)
        return not self.kernel.exact and probe is not None and probe < CHECKS

    def _check_acceptance(self, walker: Walker, here: Point, batch: Batch, step: int) -> None:
        """Try a step of MALA; a long chain gives up its gradient, to evaluate it anew later."""
        if walker.long:
            walker.place = here.weights
        else:
            here = replace(here, gradient=here.gradient.clone())
        trials = walker.repeated(partial(self._trials, walker, batch, step))
        evaluate = self._evaluate(walker, batch)
        tried = acceptance(trials, here, self.target.n_beta, evaluate)
        walker.record.acceptance.append(math.exp(float(tried)))

    def _trials(self, walker: Walker, batch: Batch, step: int) -> Iterator[Trial]:
        scenes = self._scenes(walker, batch, step)
        for span, state, scene in zip(walker.spans, walker.states, scenes, strict=True):
            noise = walker.check_noise(span)
            yield Trial(span.entries, self.kernel.diffusion(state), noise, scene)

    def _check_noise(self, walk: Walk, batch: Batch) -> None:
        """Half the squared gap to the gradient on another minibatch: unbiased for its variance."""
        if self.settings.full_batch(self._n):
            for walker in walk.alive:  # gradients on the whole data have none
                walker.record.noise.append(0.0)
                walker.record.noise_curvature.append(0.0)
            return
        other = self._next_batch(walk.others)
        gaps = [self._gap(walker, batch, other) for walker in walk.alive]
        self._forget()
        third = self._next_batch(walk.others)
        for walker, gap in zip(walk.alive, gaps, strict=True):
            walker.record.noise.append(float(gap.dot(gap)) / 2)
            reach, evaluate = walker.mean_step(self.kernel).sqrt(), self._evaluate(walker, third)
            curvature = noise_curvature(gap, reach, walker.weights, evaluate)
            walker.record.noise_curvature.append(float(curvature))
        self._forget()

    def _gap(self, walker: Walker, batch: Batch, other: Batch) -> Tensor:
        """Difference of the gradients on two minibatches (d,)."""
        gap = self._point(walker, other, walker.weights).gradient.neg_()
        if isinstance(walker.place, Point):
            return gap.add_(walker.place.gradient)
        return self._evaluate(walker, batch)(walker.weights, gap).gradient

    def _evaluate(self, walker: Walker, batch: Batch) -> Evaluate:
        """Of weights that are tried; a long chain, to save memory, in twice as many parts."""
        parts = self.settings.accumulate * (2 if walker.long else 1)
        return lambda weights, onto: differentiate(walker, batch, weights, parts, onto)

    def _point(self, walker: Walker, batch: Batch, weights: Tensor) -> Point:
        return differentiate(walker, batch, weights, self.settings.accumulate)
