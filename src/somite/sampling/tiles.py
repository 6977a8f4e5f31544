"""How many pairs of component and chain are evaluated at once: as many as fit into memory.

On a GPU one pair is tried first and its memory measured. Where the memory runs out all the same,
the number is halved and the evaluation made again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from somite.core.errors import InputError

Work = Callable[[slice, slice], None]
"""Evaluates some components for some chains and puts the results in their places."""
SHARE = 0.8
"""Part of the free memory that is planned with."""


@dataclass
class Tiles:
    """Cuts a stack of (component, chain) pairs into tiles.

    Args:
        device: Where they are evaluated.
        pairs: Most pairs per tile; None until the first evaluation.
    """

    device: torch.device
    pairs: int | None = None

    def run(self, shape: tuple[int, int], work: Work) -> None:
        """Do the work on every tile; from the start again, on smaller ones, if memory runs out.

        Args:
            shape: Number of components and of chains.
            work: Called for every tile.

        Raises:
            InputError: If one chain of one component does not fit.
        """
        while True:
            try:
                self.pairs = self.pairs or self._planned(shape, work)
                for components, chains in tiles(shape, self.pairs):
                    work(components, chains)
                return
            except torch.OutOfMemoryError as error:
                if self.pairs is None or self.pairs == 1:
                    rule = "must leave room for one chain of one component"
                    remedy = "Lower batch_size or the rows of the probes, or raise accumulate."
                    raise InputError("memory", rule, str(self.device), remedy) from error
            self.pairs = min(self.pairs, shape[0] * shape[1]) // 2 or 1
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _planned(self, shape: tuple[int, int], work: Work) -> int:
        """Pairs for which there is memory; all of them on a CPU."""
        if self.device.type != "cuda":
            return shape[0] * shape[1]
        before = torch.cuda.memory_allocated(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        work(slice(0, 1), slice(0, 1))
        cost = torch.cuda.max_memory_allocated(self.device) - before
        kept = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return affordable(shape, cost, torch.cuda.mem_get_info(self.device)[0] + kept)


def affordable(shape: tuple[int, int], cost: int, free: int) -> int:
    """Pairs that fit into the free memory, at least one and at most all.

    Args:
        shape: Number of components and of chains.
        cost: Bytes of one pair.
        free: Bytes at hand.

    Example:
        >>> affordable((8, 4), cost=1000, free=10_000)
        8
    """
    return min(max(int(SHARE * free) // max(cost, 1), 1), shape[0] * shape[1])


def tiles(shape: tuple[int, int], pairs: int) -> Iterator[tuple[slice, slice]]:
    """Cut into tiles: all chains of some components, or some chains of one component.

    Args:
        shape: Number of components and of chains.
        pairs: Most pairs per tile.

    Example:
        >>> [(a.stop - a.start, b.stop - b.start) for a, b in tiles((3, 2), 4)]
        [(2, 2), (1, 2)]
    """
    components, chains = shape
    high, wide = max(1, pairs // chains), min(pairs, chains)
    for i in range(0, components, high):
        for j in range(0, chains, wide):
            yield slice(i, min(i + high, components)), slice(j, min(j + wide, chains))
