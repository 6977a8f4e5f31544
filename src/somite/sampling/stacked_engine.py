"""The engine of a GPU: components and chains of equal form stacked, without waiting for the device.

Same minibatches, same noise and same arithmetic as `somite.sampling.engine`, many rows at once;
the draws are the same to float tolerance.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.linalg import vecdot

from somite.sampling.draws import REFERENCE, SERIES
from somite.sampling.engine import Engine, Walk
from somite.sampling.kernels.kernel import Point, Scene
from somite.sampling.minibatch import Batch
from somite.sampling.observables.displacement import displacement
from somite.sampling.observables.shares import stacked_block_shares, stacked_places
from somite.sampling.stack import Group, Stack
from somite.sampling.stack_views import each
from somite.sampling.status import diverged
from somite.sampling.step_checks import Trial, acceptance, noise_curvature
from somite.sampling.target import Data


class StackedEngine(Engine):
    """Runs the chains of components of equal form as rows of one tensor."""

    stacked = True
    groups: Sequence[Group] = ()
    """The components."""
    _stacks: Sequence[Stack] = ()

    def advance(self, walks: Sequence[Walk], until: int, progress: Callable[[int], None]) -> None:
        """Walk on until so many steps are done, all chains side by side."""
        self._stacks = self._stacks or [self._stack(group, walks) for group in self.groups]
        for step in range(walks[0].step, until):
            batch = self._next_batches([walk.batches for walk in walks])
            for stack in self._stacks:
                self._step(stack, batch, step)
            self._check_stacks([walk.others for walk in walks], step)
            for walk in walks:
                walk.step = step + 1
                progress(len(walk.walkers))
        for stack in self._stacks:
            stack.settle(self._failure)

    def _stack(self, group: Group, walks: Sequence[Walk]) -> Stack:
        walkers = [[walk.walkers[name] for walk in walks] for name in group.names]
        stack = Stack(group, walkers, self.settings.accumulate)
        places = [self.blocks.get(name, {}) for name in group.names]
        stack.blocks = stacked_places(places) if places[0] else None
        return stack

    def _next_batches(self, generators: Sequence[torch.Generator]) -> Batch:
        """The next minibatch of every chain, one in each row."""
        data, chains = self.target.data, len(generators)
        if self.settings.full_batch(self._n):
            spread = each(lambda x: x.expand(chains, *x.shape), data)
            return Batch(spread, self.center_loss.expand(chains, -1), {})
        index = torch.stack([self._next_index(generator) for generator in generators])
        examples = each(lambda x: x[_upload(index, x.device)], data)
        baseline = self.center_loss[_upload(index, self.center_loss.device)]
        own = [self._correction(_row(examples, chain)) for chain in range(chains)]
        correction = {name: torch.stack([one[name] for one in own]) for name in own[0]}
        return Batch(examples, baseline, correction)

    def _step(self, stack: Stack, batch: Batch, step: int) -> None:
        """Record the losses at the present weights, then leave them."""
        scene = Scene(
            self.target,
            stack.center,
            stack.noise,
            lambda: math.nan,  # nothing that accepts or rejects is stacked
            lambda weights: stack.differentiate(batch, weights),
            adapting=step < self.settings.burn_in,
        )
        if not step:
            stack.state = self.kernel.start(scene)
        here = scene.evaluate(stack.weights)
        self._record_stack(stack, here, batch, step)
        if self._checks(step):
            diffusion, noise = self.kernel.diffusion(stack.state), stack.check_noise()
            trial = Trial(slice(None), diffusion, noise, scene)
            spent = replace(here, gradient=here.gradient.clone())
            evaluate = partial(stack.differentiate, batch)
            tried = acceptance(lambda: [trial], spent, self.target.n_beta, evaluate)
            stack.keep(step, tried.exp(), "acceptance")
            stack.noisy = here
        place, stack.state = self.kernel.step(here, stack.state, scene)
        assert isinstance(place, Tensor)
        stack.weights = place

    def _record_stack(self, stack: Stack, here: Point, batch: Batch, step: int) -> None:
        """Record a kept draw, and note the chains of which something is not finite."""
        loss = torch.as_tensor(here.loss)
        found = displacement(here, stack.center, self.target)
        probes = {}
        if self.settings.probe_at(step) is not None:
            for name, probe in self.probes.items():
                probes[name] = stack.losses(probe.examples, here.weights) - probe.center_loss
        means = {name: losses.mean(-1) for name, losses in probes.items()}
        stack.watch(step, loss, [loss, *found, *means.values()])
        if self.settings.draw_at(step) is not None:
            baseline = batch.center_loss.mean(-1).expand(stack.shape)
            for name, values in zip(SERIES, (loss, baseline, *found), strict=True):
                stack.keep(step, values, name)
            if stack.blocks is not None:
                away = here.weights - stack.center
                shares = stacked_block_shares(away, here.gradient, stack.blocks)
                stack.keep(step, shares, "block_share")
        for name, mean in means.items():
            stack.keep(step, mean, "probe_loss", name)
        if self.pointwise and REFERENCE in probes:
            stack.keep(step, probes[REFERENCE], "example_loss")

    def _check_stacks(self, generators: Sequence[torch.Generator], step: int) -> None:
        """What `_check_noise` does for one chain after another."""
        tried = [(stack, stack.noisy) for stack in self._stacks if stack.noisy is not None]
        if not tried:
            return
        full = self.settings.full_batch(self._n)
        other, third = self._next_batches(generators), self._next_batches(generators)
        for stack, here in tried:
            stack.noisy = None
            if full:
                noise = curvature = torch.zeros(stack.shape)
            else:
                gap = here.gradient - stack.differentiate(other, here.weights).gradient
                noise = vecdot(gap, gap).double() / 2
                diffusion = torch.as_tensor(self.kernel.diffusion(stack.state))
                reach, evaluate = (
                    diffusion.mean(-1).double().sqrt(),
                    partial(stack.differentiate, third),
                )
                curvature = noise_curvature(gap, reach, here.weights, evaluate)
            stack.keep(step, noise, "noise")
            stack.keep(step, curvature, "noise_curvature")

    def _failure(self, step: int, loss: float) -> str:
        return diverged(step, loss, self.kernel.step_size, self.target.n_beta)


def _row(data: Data, chain: int) -> Data:
    """The minibatch of one chain."""
    return each(lambda x: x[chain], data)


def _upload(index: Tensor, device: torch.device) -> Tensor:
    """Numbers from the CPU on a device; nobody waits for a GPU."""
    if device.type != "cuda":
        return index.to(device)
    return index.pin_memory().to(device, non_blocking=True)
