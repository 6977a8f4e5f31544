"""Chains of components of equal form, stepped as the rows of one tensor.

No step waits for the device: what is recorded stays there until `settle` fetches it. Noise is drawn
on the CPU while the device works. A chain that fails goes on with numbers that nobody reads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.linalg import vecdot

from somite.components.patch_stack import PatchStack
from somite.sampling.kernels.kernel import Point
from somite.sampling.minibatch import Batch
from somite.sampling.stack_views import StackView, each
from somite.sampling.target import Data, n_examples
from somite.sampling.tiles import Tiles
from somite.sampling.walker import Walker


@dataclass(frozen=True, eq=False)
class Group:
    """Components of equal form.

    Args:
        names: Of the components.
        patches: Their moved weights.
        view: Their losses.
    """

    names: Sequence[str]
    patches: PatchStack
    view: StackView


class Stack:
    """All chains of a group on their way.

    Args:
        group: The components.
        walkers: Their chains, by component and chain.
        accumulate: Parts into which a minibatch is cut.
    """

    state: Any = None
    """What the kernel carries."""
    blocks: Tensor | None = None
    """Where the blocks are whose shares are recorded (component, block, d)."""
    noisy: Point | None = None
    """The point whose gradient is to be compared with that on another minibatch."""

    def __init__(self, group: Group, walkers: Sequence[Sequence[Walker]], accumulate: int) -> None:
        """Start at the center."""
        self.group, self.walkers, self.accumulate = group, walkers, accumulate
        self.shape = len(walkers), len(walkers[0])
        center = group.patches.center[:, None]
        self.center = center.expand(-1, self.shape[1], -1)
        self.weights = self.center.clone()
        self.tiles = Tiles(center.device)
        self._failed_at = torch.full(self.shape, -1, device=center.device)
        self._failed_loss = torch.zeros(self.shape, dtype=torch.double, device=center.device)
        self._tape: dict[tuple[str, ...], list[tuple[int, Tensor]]] = {}

    def noise(self) -> Tensor:
        """Noise of the next step, every chain from its own streams (component, chain, d)."""
        noise = torch.empty(self.center.shape, dtype=self.center.dtype, pin_memory=self._on_gpu)
        for rows, walkers in zip(noise, self.walkers, strict=True):
            for row, walker in zip(rows, walkers, strict=True):
                walker.noise.fill(row)
        return noise.to(self.center.device, non_blocking=True)

    def check_noise(self) -> Tensor:
        """Noise of a trial step that is not taken (component, chain, d)."""
        return self.by_chain(Walker.check_noise)

    def by_chain(self, read: Callable[[Walker], Tensor]) -> Tensor:
        """What every chain gives (component, chain, …)."""
        return torch.stack([torch.stack([read(w) for w in row]) for row in self.walkers])

    def tilt(self, batch: Batch) -> Tensor | None:
        """Corrections of the gradients (component, chain, d); None without control variates."""
        if not batch.correction:
            return None
        found = [
            self.group.patches.flatten({name: c[chain] for name, c in batch.correction.items()})
            for chain in range(self.shape[1])
        ]
        return torch.stack(found, 1)

    def differentiate(self, batch: Batch, weights: Tensor, onto: Tensor | None = None) -> Point:
        """Loss and gradient of every chain on its minibatch, as `minibatch.differentiate`."""
        loss = torch.empty(self.shape, dtype=torch.double, device=weights.device)
        gradient = torch.empty_like(weights)

        def work(components: slice, chains: slice) -> None:
            here = weights[components, chains]
            part = Batch(each(lambda x: x[chains], batch.examples), batch.center_loss[chains], {})
            loss[components, chains], gradient[components, chains] = self._of_tile(
                part, here, components
            )

        self.tiles.run(self.shape, work)
        if (tilt := self.tilt(batch)) is not None:
            gradient = gradient + tilt
            loss += vecdot(tilt, weights - self.center)
        return Point(weights, loss, gradient if onto is None else onto.add_(gradient))

    def _of_tile(self, batch: Batch, here: Tensor, components: slice) -> tuple[Tensor, Tensor]:
        n = n_examples(each(lambda x: x[0], batch.examples))
        chunk = -(-n // self.accumulate)
        loss = torch.zeros((), dtype=torch.double, device=here.device)
        gradient = None
        for start in range(0, n, chunk):
            part = slice(start, start + chunk)
            leaf = here.detach().requires_grad_()
            losses = self.group.view(leaf, _examples(batch.examples, part), components)
            (found,) = torch.autograd.grad(losses.sum() / n, leaf)
            loss = loss + (losses.detach() - batch.center_loss[:, part]).sum(-1).double() / n
            gradient = found if gradient is None else gradient.add_(found)
        assert gradient is not None
        return loss, gradient

    @torch.no_grad()
    def losses(self, examples: Data, weights: Tensor) -> Tensor:
        """Losses of fixed examples, the same for all chains (component, chain, example)."""
        spread = each(lambda x: x.expand(self.shape[1], *x.shape), examples)
        found = weights.new_empty((*self.shape, n_examples(examples)))

        def work(components: slice, chains: slice) -> None:
            part = each(lambda x: x[chains], spread)
            found[components, chains] = self.group.view(
                weights[components, chains], part, components
            )

        self.tiles.run(self.shape, work)
        return found

    def watch(self, step: int, loss: Tensor, numbers: Sequence[Tensor]) -> None:
        """Note the chains of which a number is not finite for the first time.

        Args:
            step: Of the chains.
            loss: Of the minibatches (component, chain).
            numbers: All that is to be finite, each (component, chain).
        """
        finite = torch.stack([number.double() for number in numbers]).isfinite().all(0)
        fails = ~finite & (self._failed_at < 0)
        self._failed_at = torch.where(fails, step, self._failed_at)
        self._failed_loss = torch.where(fails, loss, self._failed_loss)

    def keep(self, step: int, values: Tensor, *name: str) -> None:
        """Record something (component, chain, …) of a step under its name in `ChainRecord`."""
        self._tape.setdefault(name, []).append((step, values))

    def settle(self, status: Callable[[int, float], str]) -> None:
        """Fetch what was recorded, and give it to the chains.

        Args:
            status: Words for a failure, from its step and its loss.
        """
        failed_at = self._failed_at.cpu().numpy()
        ends = np.where(failed_at < 0, np.iinfo(np.int64).max, failed_at)
        for name, entries in self._tape.items():
            steps = np.array([step for step, _ in entries])
            values = torch.stack([value for _, value in entries], 2).cpu().numpy()
            for place, end in np.ndenumerate(ends):
                self._list(place, name).extend(_plain(values[place][steps < end]))
        self._tape.clear()
        lost = self._failed_loss.cpu().numpy()
        for (i, j), step in np.ndenumerate(failed_at):
            record = self.walkers[i][j].record
            if step >= 0 and not record.status:
                record.failed_at = int(step)
                record.status = status(record.failed_at, float(lost[i, j]))

    def _list(self, place: tuple[int, ...], name: tuple[str, ...]) -> list[Any]:
        """The list of a chain's record that has this name."""
        found: Any = self.walkers[place[0]][place[1]].record
        found = getattr(found, name[0])
        for key in name[1:]:
            found = found[key]
        kept: list[Any] = found
        return kept

    @property
    def _on_gpu(self) -> bool:
        return self.center.is_cuda


def _examples(data: Data, part: slice) -> Data:
    """Some examples of every chain."""
    return each(lambda x: x[:, part], data)


def _plain(values: np.ndarray) -> list[Any]:
    """Plain numbers, or one array for every step."""
    return values.tolist() if values.ndim == 1 else list(values)
