"""Blocks below the moved weights, run once per batch for all components, whatever the model is.

A block is a member of a `ModuleList` or `Sequential` that is called once per loss, outside any
other block. A pass of the loss at the center records what every block gives. With weights moved
from block k on, the blocks before it give that again instead of being run; whatever lies between
blocks (masks, positions, embedding) runs as it is, and the backward pass ends where the moved
weights begin.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from somite.components.patch import Patch
from somite.sampling.target import Data, Loss


@dataclass
class Block:
    """One block, and what it does when it is called.

    Args:
        module: The block; its `forward` is replaced by `call`.
        run: Its own forward.
        record: Whether to keep what it gives.
        kept: What it gave at the center; given again where `skip` is set.
        skip: Whether not to run it.
    """

    module: nn.Module
    run: Callable[..., Any]
    record: bool = False
    skip: bool = False
    kept: Any = None

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Run the block, or give what it gave at the center."""
        if self.skip:
            return self.kept
        found = self.run(*args, **kwargs)
        if self.record:
            self.kept = found
        return found


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a model in the order of their calls, ready to be skipped.

    Args:
        model: Holds the center; the forwards of its blocks are replaced.
        loss: Called as loss(model, batch).
        blocks: In the order of their calls.
        entered: For each called module, how many blocks had ended when it was first entered.
    """

    model: nn.Module
    loss: Loss
    blocks: Sequence[Block]
    entered: dict[str, int]

    def below(self, patch: Patch) -> int:
        """How many blocks lie below the first use of any moved weight."""
        weights = dict(self.model.named_parameters(remove_duplicate=False))
        moved = {id(weights[name]) for name in patch.tensor_shapes}
        users = (name.rpartition(".")[0] for name, w in weights.items() if id(w) in moved)
        return min(self._entered(user) for user in users)

    def _entered(self, module: str) -> int:
        """A module that is never called itself is used by the nearest one around it that is."""
        while module not in self.entered:
            module = module.rpartition(".")[0]
        return self.entered[module]

    @torch.no_grad()
    def outputs(self, batch: Data) -> list[Any]:
        """What every block gives for a batch at the center."""
        for block in self.blocks:
            block.record = True
        try:
            self.loss(self.model, batch)
            return [block.kept for block in self.blocks]
        finally:
            for block in self.blocks:
                block.record, block.kept = False, None

    @contextmanager
    def skipping(self, outputs: Sequence[Any]) -> Iterator[None]:
        """The first blocks give these outputs instead of being run."""
        skipped = list(zip(self.blocks, outputs, strict=False))
        try:
            for block, output in skipped:
                block.skip, block.kept = True, output
            yield
        finally:
            for block, _ in skipped:
                block.skip, block.kept = False, None


def find_blocks(model: nn.Module, loss: Loss, few: Data) -> Blocks | None:
    """The blocks that a pass of the loss over a few examples meets.

    Args:
        model: Holds the center; a copy of our own, since forwards of its blocks are replaced.
        loss: Called as loss(model, batch).
        few: A batch.

    Returns:
        None if there are no blocks.
    """
    calls = _Calls()
    handles = [hook for name, m in model.named_modules() for hook in calls.watch(name, m)]
    try:
        with torch.no_grad():
            loss(model, few)
    finally:
        for handle in handles:
            handle.remove()
    members = {id(m) for c in model.modules() if _is_list(c) for m in c.children()}
    names = calls.outermost({n for n, m in model.named_modules() if id(m) in members})
    if not names or "" not in calls.first:
        return None
    blocks = [Block(m, m.forward) for m in map(model.get_submodule, names)]
    for block in blocks:
        block.module.forward = block.call
    entered = {name: calls.ended(at, names) for name, at in calls.first.items()}
    return Blocks(model, loss, blocks, entered)


@dataclass
class _Calls:
    """When each module was entered and left."""

    clock: int = 0
    first: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    def watch(self, name: str, module: nn.Module) -> list[Any]:
        """Note when a module is entered and left, until the hooks are removed."""

        def enter(*_: Any) -> None:
            self.clock += 1
            self.first.setdefault(name, self.clock)
            self.times[name] = self.times.get(name, 0) + 1

        def leave(*_: Any) -> None:
            self.clock += 1
            self.left[name] = self.clock

        return [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]

    def outermost(self, members: set[str]) -> list[str]:
        """Members called once and not within another, in the order of their calls."""
        called = [name for name in members if name in self.left and self.times[name] == 1]
        free = [n for n in called if not any(n.startswith(f"{other}.") for other in called)]
        return sorted(free, key=self.first.__getitem__)

    def ended(self, time: int, blocks: Sequence[str]) -> int:
        """How many of the blocks had been left at a time."""
        return sum(self.left[name] < time for name in blocks)


def _is_list(module: nn.Module) -> bool:
    return isinstance(module, nn.ModuleList | nn.Sequential)
